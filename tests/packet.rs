//! The referral packet as a whole: what it contains, what it refuses, and that it comes out the same to the byte.

#[path = "common/validator.rs"]
mod validator;

#[path = "packet/fixture.rs"]
mod fixture;

use std::io::Read;
use std::process::Command;

use arrears::domain::document::sha256;
use arrears::domain::fee::TwoFees;
use arrears::domain::hold::HoldKind;
use arrears::domain::person::Override;
use arrears::domain::referral::{Destination, ReferralState};
use arrears::domain::{AccountId, Cents, Entry, EntryId, EntryKind, NoticeId, Occupancy, Service};
use arrears::referral::export::{ExportLine, ExportRefusal, export};
use arrears::referral::input::{BackgroundCheck, CheckKind};
use arrears::referral::packet::build;
use arrears::referral::{Packet, PacketInput, PacketRefusal, Protection};
use arrears::typeset::Typesetter;

use fixture::{day, entry, input, settle_again, with_entry};

fn packet(input: &PacketInput) -> Packet {
    build(input, &Typesetter::new()).unwrap()
}

fn refusal(input: &PacketInput) -> PacketRefusal {
    match build(input, &Typesetter::new()) {
        Ok(packet) => panic!("{} was not refused", packet.file_name),
        Err(refusal) => refusal,
    }
}

fn part<'a>(packet: &'a Packet, path: &str) -> &'a [u8] {
    &packet.parts.iter().find(|part| part.path == path).unwrap_or_else(|| panic!("no {path}")).bytes
}

fn text<'a>(packet: &'a Packet, path: &str) -> &'a str {
    std::str::from_utf8(part(packet, path)).unwrap()
}

/// The text of the PDF as `pdftotext` reads it.
fn text_of_pdf(packet: &Packet) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("packet.pdf");
    std::fs::write(&path, part(packet, "packet.pdf")).unwrap();
    let output = Command::new("pdftotext").arg("-layout").arg(&path).arg("-").output();
    let output = output.expect("pdftotext is needed: apt-get install poppler-utils");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Its words, one space between them.
fn words_of_pdf(packet: &Packet) -> String {
    text_of_pdf(packet).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_same_facts_give_the_same_packet_to_the_byte() {
    let (one, other) = (packet(&input()), packet(&input()));
    assert_eq!(one.hash, other.hash);
    assert_eq!(one.zip, other.zip);
    assert_eq!(one.hash, sha256(&one.zip));
    assert_eq!(one.file_name, "packet-1042-07-2026-09-30.zip");
}

#[test]
fn the_total_is_the_ledgers_balance_at_the_cut_off() {
    let input = input();
    let packet = packet(&input);
    let ledger: Cents = input.entries.iter().map(|entry| entry.amount).sum();
    assert_eq!(packet.total, ledger);
    let last = text(&packet, "statement.csv").lines().last().unwrap().to_owned();
    assert!(last.contains(&packet.total.to_plain()), "the running balance ends on the total: {last}");
}

#[test]
fn the_zip_holds_every_part_under_the_hash_that_the_manifest_gives() {
    let packet = packet(&input());
    let manifest: serde_json::Value = serde_json::from_str(text(&packet, "manifest.json")).unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&packet.zip)).unwrap();
    let files = manifest["files"].as_array().unwrap();
    assert_eq!(archive.len(), files.len() + 1, "all files and the manifest itself");
    for file in files {
        let mut bytes = Vec::new();
        archive.by_name(file["path"].as_str().unwrap()).unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(sha256(&bytes).as_str(), file["sha256"].as_str().unwrap());
        assert_eq!(bytes.len() as u64, file["bytes"].as_u64().unwrap());
    }
}

#[test]
fn the_tables_and_the_manifest_are_these() {
    let packet = packet(&input());
    for name in ["statement.csv", "statement.json", "calls.csv", "arrangements.csv", "notices.csv"] {
        insta::assert_snapshot!(name, text(&packet, name));
    }
    // The PDF's bytes change with its layout; its size and hash are left out of the golden file.
    let mut manifest: serde_json::Value = serde_json::from_str(text(&packet, "manifest.json")).unwrap();
    manifest["files"][0]["bytes"] = "…".into();
    manifest["files"][0]["sha256"] = "…".into();
    insta::assert_snapshot!("manifest.json", serde_json::to_string_pretty(&manifest).unwrap());
}

#[test]
fn a_notice_is_in_the_packet_byte_for_byte_and_one_that_never_left_is_not() {
    let packet = packet(&input());
    assert_eq!(part(&packet, "notices/002-final_notice-2026-05-04.pdf"), b"%PDF final notice to the customer");
    let notices: Vec<&str> =
        packet.parts.iter().map(|part| part.path.as_str()).filter(|path| path.starts_with("notices/")).collect();
    assert_eq!(
        notices,
        [
            "notices/001-reminder-2026-03-02.eml",
            "notices/002-final_notice-2026-05-04.pdf",
            "notices/003-final_notice-2026-05-04.pdf",
            "notices/004-demand-2026-08-17.pdf",
        ]
    );
}

#[test]
fn the_pdf_is_sound_and_says_what_counsel_needs() {
    let packet = packet(&input());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("packet.pdf");
    std::fs::write(&path, part(&packet, "packet.pdf")).unwrap();
    let checked = Command::new("qpdf").arg("--check").arg(&path).output();
    let checked = checked.expect("qpdf is needed: apt-get install qpdf");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));

    validator::assert_conform(std::slice::from_ref(&path));

    let words = words_of_pdf(&packet);
    for said in [
        "Teresa Marchetti",
        "Account 1042-07 · Cut-off September 30, 2026",
        "Halvorsen Family Trust, 88 Orchard Lane, Riverbend, CA 95603 (not the debtor)",
        &format!("Balance at the cut-off: {}", packet.total),
        "PS 3877 no. 4411",
        "Bankruptcy (11 U.S.C. 362) Not checked",
        "Military service (50 U.S.C. 3931) Not checked",
        "under penalty of perjury under the laws of the State of California",
        "notices/002-final_notice-2026-05-04.pdf",
        "Page 1 of",
    ] {
        assert!(words.contains(said), "{said} is not in: {words}");
    }
}

#[test]
fn every_page_after_the_cover_bears_account_cut_off_and_number() {
    let packet = packet(&input());
    let text = text_of_pdf(&packet);
    // pdftotext ends each page with a form feed.
    let pages: Vec<&str> = text.split_terminator('\u{c}').collect();
    assert!(pages.len() > 2);
    for (page, number) in pages.iter().zip(1..) {
        assert!(page.contains(&format!("Page {number} of {}", pages.len())), "{page}");
        assert!(number == 1 || page.contains("Account 1042-07 · Cut-off September 30, 2026"), "{page}");
    }
}

#[test]
fn the_aging_and_the_claim_by_service_sum_to_the_total() {
    let packet = packet(&input());
    let statement: serde_json::Value = serde_json::from_str(text(&packet, "statement.json")).unwrap();
    let cents = |value: &serde_json::Value| value.as_str().unwrap().parse::<Cents>().unwrap();
    let aging = statement["aging"]["rows"].as_array().unwrap().last().unwrap();
    assert_eq!(aging["service"], "total");
    assert_eq!(aging["amounts"].as_array().unwrap().iter().map(cents).sum::<Cents>(), packet.total);
    let services = statement["claim"]["by_service"].as_array().unwrap();
    assert_eq!(services.iter().map(|row| cents(&row["total"])).sum::<Cents>(), packet.total);
}

#[test]
fn a_check_is_called_made_only_when_it_is_recorded() {
    let mut input = input();
    input.checks.push(BackgroundCheck {
        kind: CheckKind::Bankruptcy,
        made_on: day("2026-09-28"),
        by: "Marisol Vega".into(),
        source: "PACER".into(),
        result: "No petition found".into(),
    });
    let words = words_of_pdf(&packet(&input));
    assert!(words.contains("Checked 09/28/2026 by Marisol Vega (PACER)"), "{words}");
    assert!(words.contains("Military service (50 U.S.C. 3931) Not checked"), "{words}");
}

#[test]
fn a_letter_that_the_pages_cannot_show_does_not_hold_up_the_packet() {
    // All that is printable goes through the typesetter too: it refuses what its fonts do not have.
    let letters = (' '..='\u{2fff}').filter(|letter| !letter.is_control()).collect::<String>();
    let mut input = input();
    input.calls[0].note = format!("李 🙂 {letters}");
    let packet = packet(&input);
    let words = words_of_pdf(&packet);
    assert!(words.contains("李 [U+1F642]"), "Chinese and Korean by the machine's font: {words}");
    assert!(text(&packet, "calls.csv").contains("李 🙂"), "the table keeps the note as it was typed");
}

#[test]
fn a_total_that_is_not_the_ledgers_is_refused() {
    let mut input = input();
    input.books.balance += Cents::new(1);
    let refusal = refusal(&input);
    assert!(matches!(refusal, PacketRefusal::TotalDiffers { .. }), "{refusal}");
    assert!(refusal.to_string().starts_with("the claimed total at the cut-off 2026-09-30 is $"), "{refusal}");
}

#[test]
fn open_items_that_do_not_sum_to_the_ledger_are_refused() {
    let mut input = input();
    input.books.items.pop();
    let refusal = refusal(&input);
    assert!(refusal.to_string().starts_with("the sum of the open items at the cut-off"), "{refusal}");
}

#[test]
fn an_open_dispute_bars_the_packet_by_name() {
    let mut input = input();
    input.holds[0].hold.ended_on = None;
    let refusal = refusal(&input);
    let PacketRefusal::Protected { standing, .. } = &refusal else { panic!("{refusal}") };
    assert!(matches!(standing[..], [Protection::Hold { kind: HoldKind::Dispute, .. }]), "{refusal}");
    assert_eq!(
        refusal.to_string(),
        "a protection stands on 2026-09-30: a hold (dispute) since 2026-03-09: Customer says the February reading is \
         too high; the account cannot be referred until it ends"
    );
}

#[test]
fn an_appeal_filed_after_the_cut_off_bars_the_packet_too() {
    let mut input = input();
    input.checked_on = day("2026-10-05");
    let mut appeal = input.holds[0].clone();
    appeal.hold.kind = HoldKind::Appeal;
    appeal.hold.from = day("2026-10-02");
    appeal.hold.ended_on = None;
    input.holds.push(appeal);
    assert!(matches!(refusal(&input), PacketRefusal::Protected { .. }));
    input.checked_on = day("2026-10-01");
    assert!(build(&input, &Typesetter::new()).is_ok(), "the appeal was not yet filed");
}

#[test]
fn an_open_promise_bars_the_packet() {
    let mut input = input();
    input.promises[0].made_on = day("2026-09-28");
    input.promises[0].known_through = EntryId(25);
    input.promises[0].pay_by = day("2026-09-30");
    let PacketRefusal::Protected { standing, .. } = refusal(&input) else { panic!("not protected") };
    assert_eq!(standing, [Protection::OpenPromise { amount: Cents::new(15_000), through: day("2026-10-01") }]);
}

#[test]
fn an_arrangement_that_is_kept_bars_the_packet_and_a_defaulted_one_does_not() {
    let mut input = input();
    assert!(build(&input, &Typesetter::new()).is_ok(), "the July installment was missed");
    input.arrangements[0].standing.state = arrears::domain::arrangement::ArrangementState::Performing;
    let PacketRefusal::Protected { standing, .. } = refusal(&input) else { panic!("not protected") };
    assert_eq!(standing, [Protection::Arrangement { made_on: day("2026-06-08") }]);
}

#[test]
fn an_exception_on_the_account_bars_the_packet() {
    let mut input = input();
    input.exception = Some("the billing system's balance is $0.01 less".into());
    assert!(matches!(refusal(&input), PacketRefusal::Protected { .. }));
}

#[test]
fn a_debt_paid_after_the_cut_off_is_not_referred() {
    let mut input = input();
    input.checked_on = day("2026-10-05");
    let balance = input.books.balance;
    let input = with_entry(input, entry(90, Service::Water, EntryKind::Payment, -balance.get(), "2026-10-02", None));
    let refusal = refusal(&input);
    assert!(
        matches!(refusal, PacketRefusal::NothingOwed { on, balance: Cents::ZERO } if on == day("2026-10-05")),
        "{refusal}"
    );
}

#[test]
fn a_partial_payment_after_the_cut_off_is_shown_and_does_not_change_the_total() {
    let mut input = input();
    input.checked_on = day("2026-10-05");
    let input = with_entry(input, entry(90, Service::Water, EntryKind::Payment, -5_000, "2026-10-02", None));
    let with_payment = packet(&input);
    assert_eq!(with_payment.total, packet(&fixture::input()).total);
    assert!(with_payment.warnings.iter().any(|line| line.contains("net -$50.00")), "{:?}", with_payment.warnings);
}

#[test]
fn bills_that_are_not_yet_due_are_no_ground_for_a_referral() {
    let mut input = input();
    input.arrangements.clear();
    input.promises.clear();
    input.holds.clear();
    input.entries.retain(|e| e.effective_on == day("2026-02-02"));
    input.cut_off = day("2026-02-20");
    input.checked_on = input.cut_off;
    let refusal = refusal(&settle_again(input));
    assert!(matches!(refusal, PacketRefusal::NothingPastDue { .. }), "{refusal}");
}

#[test]
fn an_altered_notice_is_refused() {
    let mut input = input();
    if let Some((_, bytes)) = &mut input.notices[1].document {
        bytes.push(b' ');
    }
    let refusal = refusal(&input);
    assert!(matches!(refusal, PacketRefusal::ExhibitAltered { notice: NoticeId(2), .. }), "{refusal}");
}

#[test]
fn a_sent_letter_without_its_document_is_refused_and_never_rendered_anew() {
    let mut input = input();
    input.notices[1].document = None;
    let refusal = refusal(&input);
    assert!(matches!(refusal, PacketRefusal::ExhibitMissing { notice: NoticeId(2), .. }), "{refusal}");
}

#[test]
fn a_tenants_debt_goes_on_no_lien_and_no_tax_roll() {
    for to in [Destination::Lien, Destination::TaxRoll] {
        let mut input = input();
        input.referral.to = to;
        assert!(matches!(refusal(&input), PacketRefusal::DebtorNotOwner { .. }), "the premises are let");
        input.profile.occupancy = Occupancy::Owner;
        assert!(matches!(refusal(&input), PacketRefusal::DebtorNotOwner { .. }), "another owner is recorded");
        input.profile.owner = None;
        assert!(build(&input, &Typesetter::new()).is_ok(), "the debtor owns the premises");
    }
}

#[test]
fn a_debt_past_its_limitation_needs_a_person_and_a_reason() {
    let mut input = input();
    input.checked_on = day("2030-03-24");
    assert!(
        matches!(refusal(&input), PacketRefusal::LimitationPassed { last_day, .. } if last_day == day("2030-03-23"))
    );
    input.limitation_override = Some(Override { by: "Marisol Vega".into(), reason: " ".into(), on: day("2030-03-24") });
    assert!(matches!(refusal(&input), PacketRefusal::EmptyOverride));
    input.limitation_override = Some(Override {
        by: "Marisol Vega".into(),
        reason: "Tolled while the debtor was out of state".into(),
        on: day("2030-03-24"),
    });
    let packet = packet(&input);
    assert!(packet.warnings[0].contains("Included by Marisol Vega on 03/24/2030: Tolled"), "{:?}", packet.warnings);
}

#[test]
fn the_limitation_is_warned_of_ninety_days_ahead() {
    let mut input = input();
    input.checked_on = day("2029-12-23");
    let warned = packet(&input).warnings;
    assert!(warned[0].starts_with("The limitation of $132.99 of the claim ends on March 23, 2030"), "{warned:?}");
    input.checked_on = day("2029-12-22");
    assert_eq!(packet(&input).warnings, Vec::<String>::new());
}

#[test]
fn another_customers_record_never_enters_a_packet() {
    let mut input = input();
    input.calls[2].account = AccountId(18);
    let refusal = refusal(&input);
    assert!(matches!(refusal, PacketRefusal::OtherAccount { found: AccountId(18), .. }), "{refusal}");
}

#[test]
fn a_recalled_referral_makes_no_packet() {
    let mut input = input();
    input.referral.state = ReferralState::Recalled;
    assert!(matches!(refusal(&input), PacketRefusal::NotStanding { state: ReferralState::Recalled }));
}

#[test]
fn a_cut_off_that_has_not_come_is_refused() {
    let mut input = input();
    input.checked_on = day("2026-09-29");
    assert!(matches!(refusal(&input), PacketRefusal::CutOffAhead { .. }));
}

#[test]
fn a_policy_without_a_limitation_period_makes_no_packet() {
    let mut input = input();
    input.policy.limitation_years = 0;
    assert!(matches!(refusal(&input), PacketRefusal::NoLimitation));
}

#[test]
fn the_attorneys_list_has_a_line_a_referral_and_its_totals_apart() {
    let input = input();
    let mut line = ExportLine::of(&input, &packet(&input));
    line.packet_hash = "0".repeat(64).into();
    let mut other = line.clone();
    other.profile.number = "0077-01".into();
    other.profile.customer_name = "=cmd|' /C calc'!A0".into();
    let sent = export(&[line, other], None).unwrap();
    insta::assert_snapshot!("attorney.csv", String::from_utf8(sent.list).unwrap());
    insta::assert_snapshot!("attorney-control.csv", String::from_utf8(sent.control).unwrap());
}

#[test]
fn the_attorneys_list_refuses_what_nobody_approved_and_what_stands_twice() {
    let input = input();
    let line = ExportLine::of(&input, &packet(&input));
    assert_eq!(export(&[], None).unwrap_err(), ExportRefusal::Empty);
    let twice = export(&[line.clone(), line.clone()], None).unwrap_err();
    assert_eq!(twice, ExportRefusal::Twice { account: "1042-07".into() });
    let mut candidate = line.clone();
    candidate.referral.state = ReferralState::Candidate;
    assert!(matches!(export(&[candidate], None).unwrap_err(), ExportRefusal::NotApproved { .. }));
    let mut wrong = line;
    wrong.total += Cents::new(1);
    assert!(matches!(export(&[wrong], None).unwrap_err(), ExportRefusal::TotalDiffers { .. }));
}

/// A layout that ships, as the policy of a city that names it for the tax roll has it.
fn layout(name: &str) -> arrears::domain::layout::Layout {
    let policy = format!(
        "policy: city\nauthority: Code\neffective: {{from: 2026-01-01}}\ntime_zone: America/Los_Angeles\ncalendar: us-federal\n\
         services: [water]\ntracks:\n  legal:\n    stages:\n      out:\n        start: 30 days after due\n        do: {{refer: tax_roll}}\n        \
         cite: Code\nreferral: {{limitation: 2 years, limitation_cite: Code, to: [tax_roll], layouts: {{tax_roll: {name}}}}}\n"
    );
    let sources = arrears::rulebook::shipped().with("city.yaml", policy);
    let policy = arrears::rulebook::load(&sources, "city.yaml").unwrap();
    policy.referral.layouts[&Destination::TaxRoll].clone()
}

/// A line of a list to the property's owner, with a parcel and a social security number on file.
fn owners_line() -> ExportLine {
    let input = input();
    let mut line = ExportLine::of(&input, &packet(&input));
    line.packet_hash = "0".repeat(64).into();
    line.profile.customer_name = "Teresa M. Marchetti".into();
    line.profile.attributes.insert("parcel".into(), "041-220-017".into());
    line.profile.attributes.insert("customer.ssn".into(), "123-45-6789".into());
    line
}

fn record_of(name: &str, line: &ExportLine) -> Result<String, String> {
    let record = arrears::referral::layout::record(&layout(name), line);
    record.map(|bytes| String::from_utf8(bytes).unwrap()).map_err(|refusal| refusal.to_string())
}

#[test]
fn the_tax_roll_has_eighty_characters_and_its_transmittal_total_highest_lowest_and_count() {
    let line = owners_line();
    let mut other = line.clone();
    other.profile.number = "2000-01".into();
    other.by_service = [(Service::Water, Cents::new(5_000))].into();
    other.total = Cents::new(5_000);
    let sent = export(&[line, other], Some(&layout("san-mateo-tax-roll"))).unwrap();
    let blank = " ".repeat(59);
    assert_eq!(
        String::from_utf8(sent.list).unwrap(),
        format!("174204122001700052161{blank}\r\n174204122001700005000{blank}\r\n")
    );
    let control = String::from_utf8(sent.control).unwrap();
    assert!(control.starts_with("referrals,total,highest,lowest,list_sha256\n2,571.61,521.61,50.00,"), "{control}");
}

#[test]
fn the_setoff_file_has_one_hundred_and_fifty_three_characters_each_value_in_its_place() {
    let record = record_of("nc-setoff", &owners_line()).unwrap();
    let expected = [
        "123456789",
        "Teresa    ",
        "M",
        "Marchetti      ",
        "PO Box 319               ",
        "Riverbend  ",
        "CA",
        "95601",
        "0052161",
        "0001",
        "209912",
        "09302026",
        "1042-07                  ",
        "00000031",
        "UTL",
        "0050621",
        "0001540",
        "\r\n",
    ];
    assert_eq!(record, expected.concat());
    assert_eq!(record.len(), 155);
}

#[test]
fn what_is_missing_or_does_not_fit_is_refused_by_account_and_field_and_its_value_is_never_told() {
    let mut line = owners_line();
    line.profile.attributes.remove("customer.ssn");
    let missing = record_of("nc-setoff", &line).unwrap_err();
    assert!(missing.contains("account 1042-07: field social security number (1-9)"), "{missing}");
    let mut line = owners_line();
    line.profile.attributes.insert("customer.ssn".into(), "123-45-678".into());
    let said = record_of("nc-setoff", &line).unwrap_err();
    assert!(said.contains("takes 9 digits, and the value has 8"), "no zero in front makes it another person's: {said}");
    line.profile.attributes.insert("customer.ssn".into(), "123-45-67890".into());
    let long = record_of("nc-setoff", &line).unwrap_err();
    assert!(long.contains("takes 9 characters, and the value has 10") && !long.contains("67890"), "{long}");
    line.profile.attributes.insert("customer.ssn".into(), "12345678X".into());
    let letters = record_of("nc-setoff", &line).unwrap_err();
    assert!(letters.contains("takes digits") && !letters.contains("12345"), "{letters}");
    let mut line = owners_line();
    line.total = Cents::new(10_000_000);
    line.penalties = Cents::ZERO;
    let amount = record_of("nc-setoff", &line).unwrap_err();
    assert!(amount.contains("field debt (79-85)") && amount.contains("takes 7 characters"), "{amount}");
    // A name may be cut, for the layout says so.
    let mut line = owners_line();
    line.profile.customer_name = "Maximiliana Featherstonehaugh-Cholmondeley".into();
    let record = record_of("nc-setoff", &line).unwrap();
    assert_eq!((&record[9..19], &record[20..35]), ("Maximilian", "Featherstonehau"));
}

#[test]
fn the_list_of_liens_says_charge_penalty_property_and_agency() {
    let record = record_of("lien-list", &owners_line()).unwrap();
    assert_eq!(
        record,
        "City of Riverbend,1042-07,Halvorsen Family Trust,\"1216 Cottonwood Avenue, Unit B\",Riverbend,95602,041-220-017,506.21,15.40,521.61\n"
    );
}

#[test]
fn a_fee_that_came_back_under_the_billing_system_s_reference_is_one_fee_and_refuses_the_packet_until_one_is_reversed() {
    let own = Entry {
        source: "arrears".into(),
        ..entry(90, Service::General, EntryKind::Fee, 1_000, "2026-04-02", Some("2026-04-02"))
    };
    let theirs = entry(91, Service::Water, EntryKind::Fee, 1_000, "2026-05-01", Some("2026-05-22"));
    let once = with_entry(input(), own);
    assert!(build(&once, &Typesetter::new()).is_ok());
    let twice = with_entry(once, theirs);
    let total = twice.books.balance;
    let refused = refusal(&twice);
    assert!(
        matches!(&refused, PacketRefusal::FeeTwice { own: EntryId(90), total: t, once: o, .. }
            if *t == total && *o == total - Cents::new(1_000)),
        "{refused}"
    );
    // Somebody who knows says that they are two: it is built, and shows who said so.
    let mut two = twice.clone();
    two.two_fees = vec![TwoFees {
        own: EntryId(90),
        other: EntryId(91),
        said: Override {
            by: "Marisol Vega".into(),
            reason: "a second reading of the meter.".into(),
            on: day("2026-09-21"),
        },
    }];
    let built = build(&two, &Typesetter::new()).unwrap();
    let shown = "are two fees and no double entry. Said by Marisol Vega on 09/21/2026: a second reading of the meter.";
    assert!(built.warnings.iter().any(|warning| warning.contains(shown)), "{:?}", built.warnings);
    let undone = Entry {
        reverses: Some(EntryId(91)),
        ..entry(92, Service::Water, EntryKind::Reversal, -1_000, "2026-05-04", None)
    };
    assert!(build(&with_entry(twice, undone), &Typesetter::new()).is_ok());
}
