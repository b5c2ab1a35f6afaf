//! The console as people use it: over HTTP, on a real database, with the policy that ships.

#[path = "web/browser.rs"]
mod browser;
#[path = "web/city.rs"]
mod city;

use std::net::SocketAddr;

use arrears::domain::Day;
use arrears::domain::call::CallState;
use arrears::domain::notice::NoticeState;
use arrears::domain::referral::ReferralState;
use arrears::store::ExceptionKind;
use browser::Browser;
use city::{City, PASSWORD, friday};

/// The city with its console on loopback.
async fn open() -> (City, SocketAddr) {
    let city = city::city().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(arrears::web::serve(city.office.clone(), listener, std::future::pending()));
    (city, at)
}

fn day(text: &str) -> Day {
    arrears::domain::day::parse(text).unwrap()
}

const PAGES: &[&str] = &[
    "/",
    "/calls",
    "/calls/1",
    "/notices",
    "/orders",
    "/referrals",
    "/approvals",
    "/exceptions",
    "/accounts",
    "/accounts?q=alder",
    "/accounts/10-000417",
];

#[tokio::test]
async fn without_a_login_only_the_health_of_the_daemon_is_shown() {
    let (_city, at) = open().await;
    let mut stranger = Browser::new(at);
    for page in PAGES.iter().chain(&["/notices/1/pdf", "/calls/list.csv", "/calls/list.pdf"]) {
        let answer = stranger.get(page).await;
        assert_eq!(answer.status, 303, "{page}");
        assert!(answer.header("location").starts_with("/login"), "{page}");
        assert!(answer.body.is_empty(), "{page}");
    }
    let health = stranger.get("/healthz").await;
    assert_eq!(health.status, 200);
    let health: serde_json::Value = serde_json::from_slice(&health.body).unwrap();
    assert_eq!((&health["database"], &health["last_run"]), (&"reachable".into(), &"2026-06-05".into()));
    assert!(!health.to_string().contains("Muñoz"));
}

#[tokio::test]
async fn a_monitor_reads_figures_without_a_login_and_no_name_among_them() {
    let (_city, at) = open().await;
    let answer = Browser::new(at).get("/metrics").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/plain; version=0.0.4; charset=utf-8"));
    let text = answer.text();
    let value = |name: &str| {
        let line =
            text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_else(|| panic!("{name}: {text}"));
        line.rsplit(' ').next().unwrap().to_owned()
    };
    // Friday, June 5, 2026, in UTC.
    assert_eq!(value("arrears_last_night_date_seconds"), "1780617600");
    assert!(value("arrears_database_bytes").parse::<u64>().unwrap() > 0);
    assert_eq!(value("arrears_restored_standstill"), "0");
    for name in [
        r#"arrears_last_night{what="examined"}"#,
        r#"arrears_exceptions_open{kind="file_refused"}"#,
        r#"arrears_outbox{kind="render_notice",state="done"}"#,
        r#"arrears_outbox_oldest_seconds{kind="send_email"}"#,
        "arrears_emails_waiting",
    ] {
        value(name);
    }
    // Every figure is described, and every line is one that Prometheus reads.
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let name = name.split('{').next().unwrap();
        assert!(text.contains(&format!("# TYPE {name} gauge\n")), "{line}");
    }
    assert!(!text.contains("Muñoz") && !text.contains("10-0004") && !text.contains("Alder"), "{text}");
}

#[tokio::test]
async fn a_login_leads_back_to_the_page_that_was_asked_for_and_ends_with_logging_out() {
    let (_city, at) = open().await;
    let mut ruth = Browser::new(at);
    let sent = ruth.get("/accounts/10-000417?on=2026-05-20").await;
    let login = ruth.get(sent.header("location")).await.text();
    assert!(login.contains("10-000417?on=2026-05-20"), "{login}");
    let entered = ruth
        .post("/login", &[("name", "Ruth"), ("password", PASSWORD), ("then", "/accounts/10-000417?on=2026-05-20")])
        .await;
    assert_eq!(entered.header("location"), "/accounts/10-000417?on=2026-05-20");
    let cookie = entered.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert!(ruth.get("/accounts/10-000417").await.text().contains("Rosa Muñoz"));
    assert_eq!(ruth.post("/logout", &[]).await.header("location"), "/login");
    assert_eq!(ruth.get("/").await.status, 303);
}

#[tokio::test]
async fn a_session_ends_after_a_working_day() {
    let (city, at) = open().await;
    let mut ruth = Browser::of(at, "Ruth", PASSWORD).await;
    assert_eq!(ruth.get("/").await.status, 200);
    city.live_to(day("2026-06-06")).await;
    assert_eq!(ruth.get("/").await.header("location"), "/login");
}

#[tokio::test]
async fn a_new_password_ends_the_sessions_of_the_old_one_and_of_nobody_else() {
    let (city, at) = open().await;
    let (mut ruth, mut omar) = (Browser::of(at, "Ruth", PASSWORD).await, Browser::of(at, "Omar", PASSWORD).await);
    city.office.set_password("Omar", "another password", [3; 16], "Ruth").await.unwrap();
    assert_eq!(omar.get("/").await.header("location"), "/login");
    assert_eq!(ruth.get("/").await.status, 200);
    Browser::of(at, "Omar", "another password").await;
}

#[tokio::test]
async fn who_is_taken_off_the_staff_is_out_at_once_and_the_log_keeps_the_name() {
    let (city, at) = open().await;
    let mut omar = Browser::of(at, "Omar", PASSWORD).await;
    city.office.remove_staff("Omar", "Ruth").await.unwrap();
    assert_eq!(omar.get("/").await.header("location"), "/login");
    assert_eq!(omar.post("/login", &[("name", "Omar"), ("password", PASSWORD)]).await.status, 401);
    let log = city.office.store.log(0, 100_000).await.unwrap();
    let removed = log.iter().find(|line| line.what == "staff removed").unwrap();
    assert_eq!((removed.body["name"].as_str(), removed.actor.to_string().as_str()), (Some("Omar"), "Ruth"));
    let last = city.office.remove_staff("Ruth", "Ruth").await.unwrap_err();
    assert!(last.to_string().contains("nobody could add people"), "{last}");
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_after_five_the_name_waits() {
    let (_city, at) = open().await;
    let mut guesser = Browser::new(at);
    for _ in 0..5 {
        let answer = guesser.post("/login", &[("name", "Ruth"), ("password", "guess")]).await;
        assert_eq!(answer.status, 401);
        assert!(answer.text().contains("The name or the password is wrong"));
    }
    let right = guesser.post("/login", &[("name", "Ruth"), ("password", PASSWORD)]).await;
    assert_eq!(right.status, 429, "even the right password waits");
    assert!(right.text().contains("Several wrong passwords were given here for this name"));
    Browser::of(at, "Omar", PASSWORD).await;
}

#[tokio::test]
async fn the_lead_sees_what_waits_and_releases_a_notice_with_its_letter_in_sight() {
    let (city, at) = open().await;
    let mut ruth = Browser::of(at, "Ruth", PASSWORD).await;
    let today = ruth.get("/").await.text();
    assert!(today.contains("Friday, June 5, 2026"));
    assert!(today.contains("<a href=\"/notices\">Notices to release</a>"));

    let planned = city.office.store.notices_in(NoticeState::Planned, 10).await.unwrap();
    assert_eq!(planned.len(), 1, "Rosa Muñoz's final notice, 39 days after April 27");
    let id = planned[0].id.to_string();
    let list = ruth.get("/notices").await.text();
    assert!(list.contains("Final notice") && list.contains("$229.50"), "{list}");

    let letter = ruth.get(&format!("/notices/{id}/pdf")).await;
    assert_eq!((letter.status, letter.header("content-type")), (200, "application/pdf"));
    assert!(letter.body.starts_with(b"%PDF-"));

    let after = ruth.submit("/notices/release", &[("notice", &id)]).await.text();
    assert!(after.contains("1 notice released."), "{after}");
    let released = city.office.store.notice(planned[0].id).await.unwrap();
    assert_eq!((released.state, released.released_by.as_deref()), (NoticeState::Released, Some("Ruth")));
    assert!(!ruth.get("/notices").await.text().contains("1 notice released."), "said once");
}

#[tokio::test]
async fn a_notice_is_canceled_only_with_a_reason() {
    let (city, at) = open().await;
    let mut ruth = Browser::of(at, "Ruth", PASSWORD).await;
    ruth.get("/notices").await;
    let id = city.office.store.notices_in(NoticeState::Planned, 10).await.unwrap()[0].id;
    let without = ruth.post("/notices/cancel", &[("notice", &id.to_string()), ("reason", " ")]).await;
    assert_eq!(without.status, 400);
    assert!(without.text().contains("The reason to cancel is missing"));
    ruth.get("/notices").await;
    ruth.submit("/notices/cancel", &[("notice", &id.to_string()), ("reason", "billed in error")]).await;
    let canceled = city.office.store.notice(id).await.unwrap();
    assert_eq!(canceled.state, NoticeState::Canceled);
    assert!(canceled.cause.unwrap_or_default().contains("billed in error"));
}

#[tokio::test]
async fn a_form_of_another_session_changes_nothing() {
    let (city, at) = open().await;
    let mut ruth = Browser::of(at, "Ruth", PASSWORD).await;
    let id = city.office.store.notices_in(NoticeState::Planned, 10).await.unwrap()[0].id;
    let mut other = Browser::of(at, "Ruth", PASSWORD).await;
    other.get("/notices").await;
    for token in [String::new(), other.form_token.clone(), "0".repeat(64)] {
        ruth.form_token = token;
        let answer = ruth.post("/notices/release", &[("notice", &id.to_string())]).await;
        assert_eq!(answer.status, 403);
        assert!(answer.text().contains("Nothing was changed"));
    }
    assert_eq!(city.office.store.notice(id).await.unwrap().state, NoticeState::Planned);
}

#[tokio::test]
async fn who_may_not_release_is_not_offered_it_and_is_refused_it() {
    let (city, at) = open().await;
    let id = city.office.store.notices_in(NoticeState::Planned, 10).await.unwrap()[0].id.to_string();
    for (name, role) in [("Omar", "representative"), ("Ana", "auditor")] {
        let mut person = Browser::of(at, name, PASSWORD).await;
        let page = person.get("/notices").await.text();
        assert!(!page.contains("Release ticked"), "{name}");
        let answer = person.post("/notices/release", &[("notice", &id)]).await;
        assert_eq!(answer.status, 403, "{name}");
        assert!(answer.text().contains(&format!("Your role, {role}, may not release")), "{}", answer.text());
    }
    let mut ana = Browser::of(at, "Ana", PASSWORD).await;
    ana.get("/accounts/10-000417").await;
    let hold = ana.post("/accounts/10-000417/hold", &[("kind", "review"), ("reason", "x")]).await;
    assert_eq!(hold.status, 403);
    assert!(city.office.store.holds_on(friday()).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_lead_orders_and_releases_the_list_and_a_representative_records_a_promise() {
    let (city, at) = open().await;
    let mut ruth = Browser::of(at, "Ruth", PASSWORD).await;
    let list = city.office.store.call_list(friday()).await.unwrap();
    let page = ruth.get("/calls").await.text();
    assert!(page.contains("(530) 555-0118") && page.contains("no contact 5.0"), "phones and score parts: {page}");
    let day = friday().to_string();
    let last = list.last().unwrap().id;
    ruth.submit(&format!("/calls/{last}/move"), &[("rank", "1"), ("day", &day)]).await;
    assert_eq!(city.office.store.call_list(friday()).await.unwrap()[0].id, last);
    ruth.submit(&format!("/calls/{}/drop", list[0].id), &[("reason", "paying today at the counter"), ("day", &day)])
        .await;
    let page = ruth.submit("/calls/release", &[("day", &day)]).await.text();
    assert!(page.contains("2 calls released."), "{page}");

    let mut omar = Browser::of(at, "Omar", PASSWORD).await;
    let mine = omar.get("/calls?who=me").await.text();
    assert!(mine.contains(&format!("href=\"/calls/{last}\"")), "{mine}");
    let path = format!("/calls/{last}");
    assert!(omar.get(&path).await.text().contains("What to say"));
    let record = format!("{path}/record");
    let outcome = ("outcome", "promise");
    let refused =
        omar.post(&record, &[outcome, ("at", "09:15"), ("amount", "80"), ("note", "is paid on the 12th")]).await;
    assert_eq!(refused.status, 422);
    let again = refused.text();
    assert!(again.contains("A promise to pay needs its amount and its day"));
    assert!(again.contains("value=\"80\"") && again.contains("is paid on the 12th"), "what was typed stays: {again}");
    let fields = [outcome, ("at", "09:15"), ("amount", "80"), ("pay_by", "6/12/2026"), ("phone", "5305550118")];
    let list = omar.submit(&record, &fields).await.text();
    assert!(list.contains("Call recorded: promise."), "{list}");
    let call = city.office.store.call(last).await.unwrap();
    assert_eq!(call.state, CallState::Done);
    let promises = city.office.store.promises_of(call.account).await.unwrap();
    assert_eq!((promises[0].amount.get(), promises[0].taken_by.as_str()), (80_00, "Omar"));
}

#[tokio::test]
async fn the_call_list_leaves_as_csv_and_as_a_pdf() {
    let (_city, at) = open().await;
    let mut omar = Browser::of(at, "Omar", PASSWORD).await;
    let csv = omar.get("/calls/list.csv?day=2026-06-05").await;
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"calls-2026-06-05.csv\"");
    assert!(csv.text().contains("Curtis Hartley"));
    assert!(omar.get("/calls/list.pdf?day=2026-06-05").await.body.starts_with(b"%PDF-"));
    let wrong = omar.get("/calls?day=yesterday").await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().contains("write it like 5/22/2026"));
}

#[tokio::test]
async fn an_account_shows_its_running_balance_its_why_with_citations_and_its_holds() {
    let (_city, at) = open().await;
    let mut ruth = Browser::of(at, "Ruth", PASSWORD).await;
    let page = ruth.get("/accounts/10-000417").await.text();
    for shown in ["Rosa Muñoz", "$182.60", "Riverbend Municipal Code 13.04.110(A)", "Spanish", "Water March"] {
        assert!(page.contains(shown), "{shown}");
    }
    let placed = [("kind", "dispute"), ("reason", "says the meter was misread"), ("through", "")];
    let page = ruth.submit("/accounts/10-000417/hold", &placed).await.text();
    assert!(page.contains("Hold placed: dispute.") && page.contains("says the meter was misread"), "{page}");
    let (_, after) = page.split_once("/holds/").unwrap();
    let id = after.split('/').next().unwrap();
    let end = [("reason", "read again and confirmed"), ("account", "10-000417")];
    let page = ruth.submit(&format!("/holds/{id}/end"), &end).await.text();
    assert!(page.contains("Hold ended."), "{page}");
    assert!(page.contains("ended Fri Jun 5, 2026"), "{page}");
}

#[tokio::test]
async fn a_hold_placed_on_the_page_lasts_as_long_as_the_policy_has_it() {
    let (city, at) = open().await;
    let mut ruth = Browser::of(at, "Ruth", PASSWORD).await;
    ruth.get("/accounts/10-000417").await;
    // Riverbend holds for 30 days, the first included, while a benefit is asked for.
    ruth.submit("/accounts/10-000417/hold", &[("kind", "assistance"), ("reason", "applied"), ("through", "")]).await;
    let holds = city.office.store.holds_on(friday()).await.unwrap();
    assert_eq!(holds[0].1.through, Some(day("2026-07-04")));
}

#[tokio::test]
async fn a_shut_off_is_approved_and_not_finalized_while_payments_are_not_loaded() {
    let (city, at) = open().await;
    let mut ruth = Browser::of(at, "Ruth", PASSWORD).await;
    ruth.get("/notices").await;
    ruth.submit("/notices/release-all", &[("up_to", "1000000")]).await;
    city.live_to(day("2026-06-12")).await;
    // The contact that the law asks for before a shut-off: seven days after the final notice was mailed.
    let required = city.office.store.calls_waiting(day("2026-06-12")).await.unwrap();
    let mut calls = city.office.store.call_list(day("2026-06-12")).await.unwrap();
    calls.extend(required);
    let mut ruth = Browser::of(at, "Ruth", PASSWORD).await;
    let contact = calls.iter().find(|call| call.required).expect("a required call to Rosa Muñoz").id;
    assert!(ruth.get(&format!("/calls/{contact}")).await.text().contains("Health and Safety Code section 116908"));
    ruth.submit(&format!("/calls/{contact}/record"), &[("outcome", "refused"), ("at", "09:25")]).await;
    city.live_to(day("2026-06-26")).await;

    let mut ruth = Browser::of(at, "Ruth", PASSWORD).await;
    let page = ruth.get("/orders").await.text();
    assert!(page.contains("Shut-off, water") && page.contains("Rosa Muñoz"), "{page}");
    let order = city.office.store.field_orders(None, None).await.unwrap()[0].id.to_string();
    let page = ruth.submit("/orders/approve", &[("order", &order)]).await.text();
    assert!(page.contains("1 order approved.") && page.contains("Finalize today"), "{page}");
    let refused = ruth.post("/orders/finalize", &[]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("needs them through the day before"), "{}", refused.text());
}

#[tokio::test]
async fn what_one_person_proposes_another_approves_on_the_page() {
    let (city, at) = open().await;
    let debtor = city.office.account("10-000417").await.unwrap().id;
    let (id, amount) = city.office.propose_write_off(debtor, "moved, no address", "Omar").await.unwrap();
    let mut omar = Browser::of(at, "Omar", PASSWORD).await;
    let page = omar.get("/approvals").await.text();
    assert!(page.contains("Waits for somebody else.") && page.contains("moved, no address"), "{page}");
    assert_eq!(omar.post(&format!("/approvals/{id}/approve"), &[]).await.status, 403);
    // The write-off is above what the lead may approve; the lead declines it.
    let mut ruth = Browser::of(at, "Ruth", PASSWORD).await;
    assert!(ruth.get("/").await.text().contains("Proposals to approve"));
    ruth.get("/approvals").await;
    let refused = ruth.post(&format!("/approvals/{id}/approve"), &[]).await;
    assert_eq!(refused.status, 409, "{amount} is above the lead's tier");
    ruth.get("/approvals").await;
    let page = ruth.submit(&format!("/approvals/{id}/decline"), &[("reason", "try the new address")]).await.text();
    assert!(page.contains("Proposal declined") && page.contains("try the new address"), "{page}");
}

#[tokio::test]
async fn the_lead_sees_that_a_night_is_held_and_lets_it_go_on_with_a_reason() {
    let (city, at) = open().await;
    let stamp = city.office.stamp("test");
    let text =
        "Fri May 1: nothing leaves the building, for it is not like others. Then `arrears night release` goes on";
    city.office.store.open_exception(None, ExceptionKind::NightHeld, text, &stamp).await.unwrap();
    let mut omar = Browser::of(at, "Omar", PASSWORD).await;
    let page = omar.get("/").await.text();
    assert!(page.contains("The night is held") && page.contains("The lead releases or drops it."), "{page}");
    assert_eq!(omar.post("/night/release", &[("reason", "x")]).await.status, 403);
    let mut ruth = Browser::of(at, "Ruth", PASSWORD).await;
    let page = ruth.get("/").await.text();
    assert!(page.contains("for it is not like others.") && !page.contains("arrears night release"), "{page}");
    assert_eq!(ruth.post("/night/release", &[("reason", " ")]).await.status, 400);
    ruth.get("/").await;
    let page = ruth.submit("/night/release", &[("reason", "the rate rise of May")]).await.text();
    assert!(!page.contains("The night is held"), "{page}");
}

#[tokio::test]
async fn a_referral_is_declined_with_a_reason_or_approved() {
    let (city, at) = open().await;
    // O'Neill's water bill of May 15: a demand at 150 days, and the attorney 30 days after its mailing.
    city.live_to(day("2026-10-13")).await;
    let mut ruth = Browser::of(at, "Ruth", PASSWORD).await;
    ruth.get("/notices").await;
    ruth.submit("/notices/release-all", &[("up_to", "1000000")]).await;
    city.live_to(day("2026-11-16")).await;
    let mut ruth = Browser::of(at, "Ruth", PASSWORD).await;
    let page = ruth.get("/referrals").await.text();
    assert!(page.contains("10-000420"), "{page}");
    let candidates = city.office.store.referrals(Some(ReferralState::Candidate)).await.unwrap();
    let first = candidates[0].id;
    assert_eq!(ruth.post(&format!("/referrals/{first}/decline"), &[("reason", "")]).await.status, 400);
    ruth.get("/referrals").await;
    let page = ruth.submit(&format!("/referrals/{first}/approve"), &[]).await.text();
    assert!(page.contains("Referral approved."), "{page}");
    let approved = city.office.store.referral(first).await.unwrap();
    assert_eq!((approved.state, approved.approved_by.as_deref()), (ReferralState::Approved, Some("Ruth")));
}

#[tokio::test]
async fn an_account_is_found_by_a_part_of_its_address_and_its_number_leads_to_it() {
    let (_city, at) = open().await;
    let mut ana = Browser::of(at, "Ana", PASSWORD).await;
    let found = ana.get("/accounts?q=alder").await.text();
    assert!(found.contains("2 accounts with “alder”"), "{found}");
    assert_eq!(ana.get("/accounts?q=10-000419").await.header("location"), "/accounts/10-000419");
    let missing = ana.get("/accounts/99-1").await;
    assert_eq!(missing.status, 404);
    assert!(missing.text().contains("There is no account 99-1."), "{}", missing.text());
}

#[tokio::test]
async fn what_customers_are_called_never_becomes_markup() {
    let (_city, at) = open().await;
    let mut ruth = Browser::of(at, "Ruth", PASSWORD).await;
    for page in ["/calls", "/accounts?q=%3Cscript%3E", "/accounts?q=mill", "/accounts/10-000420"] {
        let text = ruth.get(page).await.text();
        assert!(!text.contains("<Sons>") && !text.contains("<script"), "{page}");
    }
}

#[tokio::test]
async fn every_page_keeps_to_this_host_and_can_be_read_aloud() {
    let (_city, at) = open().await;
    let mut ruth = Browser::of(at, "Ruth", PASSWORD).await;
    for page in PAGES {
        let answer = ruth.get(page).await;
        assert_eq!(answer.status, 200, "{page}: {}", answer.text());
        let policy = answer.header("content-security-policy").to_owned();
        assert!(policy.starts_with("default-src 'none'; style-src 'self'") && !policy.contains("script"), "{policy}");
        assert_eq!(answer.header("cache-control"), "no-store", "{page}");
        let text = answer.text();
        assert!(!text.contains("://"), "{page} names another host");
        assert!(text.contains("<html lang=\"en-US\">") && text.contains("class=\"skip\""), "{page}");
        assert_eq!(text.matches("<h1").count(), 1, "{page}");
        assert_eq!(text.matches("<main").count(), 1, "{page}");
        assert!(!text.contains("<th>"), "{page}: a heading without scope");
        every_field_has_a_label(page, &text);
        every_id_is_unique(page, &text);
    }
    let style = ruth.get("/assets/console.css").await;
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
}

fn every_field_has_a_label(page: &str, html: &str) {
    for tag in ["<input", "<select", "<textarea"] {
        for field in html.split(tag).skip(1).map(|rest| rest.split('>').next().unwrap_or_default()) {
            if field.contains("type=\"hidden\"") || field.contains("aria-label=") || field.contains("type=\"radio\"") {
                continue;
            }
            let id = attribute(field, "id");
            let labeled = id.as_ref().is_some_and(|id| html.contains(&format!("for=\"{id}\"")));
            assert!(labeled, "{page}: {tag}{field}");
        }
    }
}

fn every_id_is_unique(page: &str, html: &str) {
    let mut ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    ids.sort_unstable();
    for pair in ids.windows(2) {
        assert_ne!(pair[0], pair[1], "{page}");
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    tag.split_once(&format!(" {name}=\"")).and_then(|(_, rest)| rest.split('"').next()).map(str::to_owned)
}
