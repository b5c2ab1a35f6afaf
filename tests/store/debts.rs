//! Deposits, transfers and customers who come back, on both databases.

use std::collections::BTreeMap;

use arrears::domain::action::DepositAction;
use arrears::domain::case::StageRef;
use arrears::domain::deposit::NewDeposit;
use arrears::domain::document::sha256;
use arrears::domain::import::{FileKind, ImportFile, ImportRows, RowRefusal};
use arrears::domain::kinship::KinshipState;
use arrears::domain::proposal::{ProposalState, Proposed, to_write_off};
use arrears::domain::transfer::to_move;
use arrears::domain::{
    AccountId, Act, ActKey, Action, Cents, DepositId, EntryId, EntryKind, Profile, ProposalId, Service,
};
use arrears::store::{ExceptionKind, ImportResult, Store, StoreError, Watched};

use super::{
    account, accounts_file, at, balance_of, charge, day, decide, entry, export_fees, finding, lead, one_debtor,
    profile, rules, snapshot, take, take_entries, took,
};

pub fn deposits_file(rows: &[(&str, &str, i64, i64)]) -> ImportFile {
    let rows: Vec<NewDeposit> = (2_u32..)
        .zip(rows)
        .map(|(line, (number, reference, cents, interest))| NewDeposit {
            line,
            account: (*number).into(),
            amount: Cents::new(*cents),
            interest: Cents::new(*interest),
            received_on: day("2019-08-01"),
            returned_on: None,
            source: "cis".to_owned(),
            reference: (*reference).to_owned(),
        })
        .collect();
    let (name, hash) = ("deposits.csv".to_owned(), sha256(format!("{rows:?}").as_bytes()));
    let rows = ImportRows::Deposits(rows);
    ImportFile {
        name,
        content: hash.clone(),
        hash,
        kind: FileKind::Deposits,
        columns: std::collections::BTreeSet::new(),
        rows,
        loaded_through: Vec::new(),
    }
}

/// The act that applies the deposit to the bill, with what is left over.
pub fn apply(account: AccountId, deposit: DepositId, cents: i64, refund: i64) -> Act {
    let anchor = EntryId(deposit.0);
    let of = StageRef { case: 0, track: "deposit".into(), anchor, stage: "deposit".into(), round: 1 };
    let payee = "Customer 1001".to_owned();
    Act {
        key: ActKey { account, of, service: None, n: 0 },
        action: Action::ApplyDeposit(DepositAction { deposit, first: None, refund: Cents::new(refund), payee }),
        amount: Some(Cents::new(cents)),
        for_day: day("2026-04-21"),
        notice: None,
        needs_release: false,
        because: finding(),
    }
}

pub async fn a_deposit_is_taken_from_a_file_applied_once_and_known_as_it_was(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let file = deposits_file(&[("1001", "D-1", 20_000, 350)]);
    let ImportResult::Done(outcome) = take(&store, &file, &at("2026-04-01")).await else { panic!("taken") };
    assert_eq!((outcome.added, outcome.added_amount), (1, Cents::new(20_000)));
    assert!(matches!(take(&store, &file, &at("2026-04-02")).await, ImportResult::AlreadyImported(_)));
    let other = deposits_file(&[("1001", "D-1", 21_000, 350), ("4711", "D-2", 1_000, 0)]);
    let ImportResult::Refused(rows) = take(&store, &other, &at("2026-04-03")).await else { panic!("refused") };
    assert!(matches!(rows[0].refusal, RowRefusal::Conflict { .. }), "{rows:?}");
    assert!(matches!(rows[1].refusal, RowRefusal::UnknownAccount { .. }), "{rows:?}");

    let held = store.deposits_of(debtor).await.expect("deposits").remove(0);
    assert_eq!(held.held_on(day("2026-04-03")), Cents::new(20_350));
    for on in ["2026-04-21", "2026-04-22"] {
        decide(&store, debtor, vec![apply(debtor, held.id, 20_350, 2_350)], &[], on).await;
        assert_eq!(balance_of(&store, debtor).await, Cents::new(-2_350), "once, whatever is decided again");
    }
    let applied = store.deposits_of(debtor).await.expect("deposits").remove(0).applied.expect("the credit");
    assert_eq!((applied.on, applied.amount), (day("2026-04-21"), Cents::new(20_350)));
    let tasks = store.tasks(true).await.expect("tasks");
    assert_eq!(tasks.len(), 1);
    assert!(tasks[0].text.starts_with("Refund $23.50 to Customer 1001"), "{}", tasks[0].text);
    // What was known the day before: it was held.
    let before = store.snapshot_as_of(debtor, day("2026-04-20"), at("2026-04-20").at, &rules()).await.expect("then");
    assert_eq!(before.deposits[0].applied, None);
    assert_eq!(before.deposits[0].held_on(day("2026-04-20")), Cents::new(20_350));

    // It goes out once, and is known when it comes back under the billing system's name alone.
    assert_eq!(export_fees(&store, "2026-04-23").await, [applied.entry]);
    let back = entry("1001", "ADJ-9", EntryKind::Deposit, -20_350, "2026-04-24");
    assert_eq!(took(&store, vec![back.clone()], "2026-04-24").await.taken_over, 1);
    assert!(matches!(
        take(&store, &super::entries_file(FileKind::Adjustments, vec![back]), &at("2026-04-25")).await,
        ImportResult::AlreadyImported(_)
    ));
    assert_eq!(balance_of(&store, debtor).await, Cents::new(-2_350));
}

pub async fn a_deposit_that_the_billing_system_applied_is_held_no_longer_until_that_is_reversed(
    store: Store,
    _: String,
) {
    let debtor = one_debtor(&store).await;
    take(&store, &deposits_file(&[("1001", "D-1", 5_000, 0)]), &at("2026-04-01")).await;
    let theirs = entry("1001", "ADJ-1", EntryKind::Deposit, -5_000, "2026-04-10");
    took(&store, vec![theirs], "2026-04-10").await;
    let held = || async { snapshot(&store, debtor).await.deposits[0].held_on(day("2026-05-01")) };
    assert_eq!(held().await, Cents::ZERO);
    let mut undone = entry("1001", "REV-1", EntryKind::Reversal, 0, "2026-04-12");
    undone.reverses = Some(("cis".to_owned(), "ADJ-1".to_owned()));
    took(&store, vec![undone], "2026-04-12").await;
    assert_eq!(held().await, Cents::new(5_000));
}

/// The customer of 1001 has a second account, 1002.
async fn two_accounts(store: &Store) -> (AccountId, AccountId) {
    let from = one_debtor(store).await;
    take(store, &accounts_file(&[profile("1002")]), &at("2026-04-01")).await;
    take_entries(store, vec![charge("1001", "B-2", 3_000, "2026-04-02", "2026-04-23")], &at("2026-04-02")).await;
    (from, account(store, "1002").await)
}

async fn propose_transfer(store: &Store, from: AccountId, to: AccountId) -> ProposalId {
    let debts = to_move(&snapshot(store, from).await.items, day("2026-05-20"), 0);
    let amount = debts.iter().map(|debt| debt.open).sum();
    let what = Proposed::Transfer { to, number: "1002".into(), debts, facts: vec!["both of customer C-1".into()] };
    store.propose(from, &what, amount, "moved", &lead("2026-05-20")).await.expect("proposed")
}

pub async fn a_transfer_posts_both_halves_of_each_debt_or_nothing(store: Store, _: String) {
    let (from, to) = two_accounts(&store).await;
    let stale = propose_transfer(&store, from, to).await;
    took(&store, vec![super::payment("1001", "P-1", 1_000, "2026-05-20")], "2026-05-20").await;
    let refused =
        store.approve_proposal(stale, &[], &rules(), &at("2026-05-21")).await.expect_err("the debt has changed");
    assert!(matches!(refused, StoreError::Conflict(_)), "{refused}");
    assert_eq!((balance_of(&store, from).await, balance_of(&store, to).await), (Cents::new(20_000), Cents::ZERO));
    assert_eq!(store.proposal(stale).await.expect("it").state, ProposalState::Proposed, "nothing of it was done");

    let proposal = propose_transfer(&store, from, to).await;
    store.approve_proposal(proposal, &[], &rules(), &at("2026-05-21")).await.expect("posted");
    assert_eq!((balance_of(&store, from).await, balance_of(&store, to).await), (Cents::ZERO, Cents::new(20_000)));
    let items = snapshot(&store, to).await.items;
    let due: Vec<_> = items.iter().map(|item| (item.due_on, item.open.get(), item.kind)).collect();
    let transferred = EntryKind::Transfer;
    assert_eq!(due, [(day("2026-03-23"), 17_000, transferred), (day("2026-04-23"), 3_000, transferred)]);
    let mut reading = store.reading().await.expect("a reading");
    let halves = reading.transfers().await.expect("transfers");
    assert_eq!(halves.len(), 4);
    assert!(halves.iter().all(|half| half.other_amount == Some(-half.amount)), "{halves:?}");
    drop(reading);
    // Both go to the billing system, and nothing in all.
    let lines = store.fees_to_export().await.expect("lines");
    assert_eq!(lines.iter().map(|line| line.amount).sum::<Cents>(), Cents::ZERO);
    assert!(store.approve_proposal(proposal, &[], &rules(), &at("2026-05-22")).await.is_err(), "once");
}

pub async fn what_lies_under_an_old_number_stays_told_whatever_is_settled_beside_it(store: Store, _: String) {
    let first = one_debtor(&store).await;
    take(&store, &accounts_file(&[profile("1002"), profile("1003")]), &at("2026-04-01")).await;
    take_entries(&store, vec![charge("1003", "B-3", 4_000, "2026-04-02", "2026-04-23")], &at("2026-04-02")).await;
    let (here, third) = (account(&store, "1002").await, account(&store, "1003").await);
    for from in [first, third] {
        let proposal = propose_transfer(&store, from, here).await;
        store.approve_proposal(proposal, &[], &rules(), &at("2026-05-21")).await.expect("posted");
    }
    assert_eq!(store.accounts_with_debts_of(&[first, here]).await.expect("here is asked for"), []);
    assert_eq!(store.accounts_with_debts_of(&[third]).await.expect("one"), [here]);
    let standing = || async {
        let lines = store.exceptions_of_kind(ExceptionKind::MoneyLeftBehind).await.expect("lines");
        lines
            .into_iter()
            .map(|line| (line.account, line.text.split(" and pays").next().map(str::to_owned)))
            .collect::<Vec<_>>()
    };
    let says = |text: &str| (Some(here), Some(text.to_owned()));
    took(&store, vec![super::payment("1001", "P-1", 18_000, "2026-05-22")], "2026-05-22").await;
    assert_eq!(standing().await, [says("$180.00 lies on account 1001")]);
    took(&store, vec![super::payment("1003", "P-2", 100, "2026-05-23")], "2026-05-23").await;
    let both = [says("$180.00 lies on account 1001"), says("$1.00 lies on account 1003")];
    assert_eq!(standing().await, both);
    took(&store, vec![super::reversal("1003", "R-2", "P-2", "2026-05-24")], "2026-05-24").await;
    assert_eq!(standing().await, both[..1]);
    let mut reading = store.reading().await.expect("a reading");
    let behind = reading.left_behind().await.expect("what lies");
    assert_eq!(behind.iter().map(|lies| (lies.to, lies.is_told)).collect::<Vec<_>>(), [(here, true)]);
    drop(reading);
    // The debt is paid where it is now: it is frozen no more, and looked at today.
    let asked = snapshot(&store, here).await.facts_seq;
    took(&store, vec![super::payment("1002", "P-3", 22_000, "2026-05-25")], "2026-05-25").await;
    assert_eq!(standing().await, []);
    assert!(snapshot(&store, here).await.facts_seq > asked);
    store.tell_left_behind(&at("2026-05-26")).await.expect("nothing to tell");
}

pub async fn a_debt_may_follow_the_same_customer_from_an_account_that_has_ended(store: Store, _: String) {
    let of = |number: &str, customer: &str, ended: Option<&str>| Profile {
        attributes: BTreeMap::from([("customer".to_owned(), customer.to_owned())]),
        ended: ended.map(day),
        ..profile(number)
    };
    let rows = [of("1001", "C-1", Some("2026-04-15")), of("1002", "C-1", None), of("1003", "C-2", None)];
    take(&store, &accounts_file(&rows), &at("2026-03-02")).await;
    let due = charge("1001", "B-1", 18_000, "2026-03-02", "2026-03-23");
    take_entries(&store, vec![due], &at("2026-03-02")).await;
    let (gone, here) = (account(&store, "1001").await, account(&store, "1002").await);
    assert_eq!(store.debts_that_may_follow(day("2026-03-22"), &[gone]).await.expect("none yet"), []);
    for either in [gone, here] {
        let found = store.debts_that_may_follow(day("2026-03-23"), &[either]).await.expect("one");
        assert_eq!(found, [(gone, vec![here])]);
    }
    let stranger = account(&store, "1003").await;
    assert_eq!(store.debts_that_may_follow(day("2026-03-23"), &[stranger]).await.expect("nobody's"), []);
    assert_eq!(store.left_owing(day("2026-03-23"), day("2026-03-23")).await.expect("by its day"), [gone]);
    assert_eq!(store.left_owing(day("2026-03-24"), day("2026-04-30")).await.expect("not of these days"), []);
    take(&store, &accounts_file(&[of("1001", "C-1", None)]), &at("2026-03-24")).await;
    assert_eq!(store.debts_that_may_follow(day("2026-03-23"), &[gone]).await.expect("service goes on"), []);
    assert_eq!(store.left_owing(day("2026-03-23"), day("2026-03-23")).await.expect("service goes on"), []);
}

pub async fn an_account_is_looked_at_once_for_its_facts_and_again_for_a_new_one(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let to_look = async |all| store.to_look(all, None, 10).await.expect("accounts");
    let [fresh] = to_look(false).await[..] else { panic!("one account") };
    assert_eq!(fresh.account, debtor);
    took(&store, vec![super::payment("1001", "P-1", 1_000, "2026-05-20")], "2026-05-20").await;
    store.looked(&[fresh], &[]).await.expect("marked");
    let [anew] = to_look(false).await[..] else { panic!("the payment came after the look") };
    assert!(anew.facts_seq > fresh.facts_seq);
    store.looked(&[anew], &[]).await.expect("marked");
    assert_eq!((to_look(false).await, to_look(true).await), (vec![], vec![anew]));
    store.looked(&[], &[debtor]).await.expect("again tomorrow");
    assert_eq!(to_look(false).await, [anew]);
    assert_eq!(store.watched().await.expect("never"), None);
    for through in ["2026-05-20", "2026-05-21"] {
        let watched = Watched { through: day(through), policy: "a policy".into() };
        store.put_watched(&watched).await.expect("recorded");
        assert_eq!(store.watched().await.expect("it"), Some(watched));
    }
}

pub async fn who_has_left_owing_is_held_against_those_who_are_here_once_a_debt_is_past_due(store: Store, _: String) {
    let of = |number: &str, ended: Option<&str>| Profile {
        customer_name: "Rosa Muñoz".to_owned(),
        ended: ended.map(day),
        ..profile(number)
    };
    let rows = [of("1001", Some("2026-03-10")), of("1002", None), of("1003", None)];
    take(&store, &accounts_file(&rows), &at("2026-03-02")).await;
    take_entries(&store, vec![charge("1001", "B-1", 3_000, "2026-03-02", "2026-03-23")], &at("2026-03-02")).await;
    let (gone, newest) = (account(&store, "1001").await, account(&store, "1003").await);
    for (on, pairs) in [("2026-03-23", 0), ("2026-03-24", 1), ("2026-03-25", 1)] {
        store.note_returning(&[gone], &at(on)).await.expect("looked");
        assert_eq!(store.kinships_untold().await.expect("pairs").len(), pairs, "{on}");
    }
    let pair = store.kinships(true).await.expect("pairs").remove(0);
    assert_eq!((pair.account, pair.debtor), (newest, gone), "of two who are like it the newest, and one question");
    store.tell_kinships(&[pair.id], Some(pair.account), "may be the same", &at("2026-03-25")).await.expect("told");
    assert_eq!(store.kinships_untold().await.expect("pairs"), []);
}

pub async fn who_is_like_a_debtor_is_noted_once_and_never_again_once_a_person_has_decided(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let left = Profile { ended: Some(day("2026-03-31")), ..profile("1001") };
    take(&store, &accounts_file(&[left]), &at("2026-03-31")).await;
    let named = |number: &str, name: &str| Profile { customer_name: name.to_owned(), ..profile(number) };
    // The same telephone and another name; the same name and telephone, in other letters.
    let rows = [named("1002", "Customer 1002"), named("1003", "CUSTOMER  1001")];
    take(&store, &accounts_file(&rows), &at("2026-04-01")).await;
    let pairs = store.kinships(true).await.expect("pairs");
    assert_eq!(pairs.len(), 1, "{pairs:?}");
    assert_eq!((pairs[0].account, pairs[0].debtor), (account(&store, "1003").await, debtor));
    assert_eq!(pairs[0].matches, ["name CUSTOMER  1001", "telephone 5305550100"]);
    for _ in 0..2 {
        store
            .tell_kinships(&[pairs[0].id], Some(pairs[0].account), "may be the customer of 1001", &at("2026-04-01"))
            .await
            .expect("told");
    }
    let lines = store.exceptions(true).await.expect("lines");
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].kind, ExceptionKind::ReturningDebtor);
    let decided = store.decide_kinship(pairs[0].id, KinshipState::Rejected, "a cousin", &lead("2026-04-02")).await;
    assert_eq!(decided.expect("decided").reason.as_deref(), Some("a cousin"));
    assert!(store.exceptions(true).await.expect("lines").is_empty());
    let again = store.decide_kinship(pairs[0].id, KinshipState::Confirmed, "no", &lead("2026-04-03")).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    // A changed record of the same pair, either way round, asks nobody.
    let moved = Profile { email: Some("c@example.org".to_owned()), ..named("1003", "Customer 1001") };
    take(&store, &accounts_file(&[moved]), &at("2026-04-04")).await;
    let email = Profile { email: Some("c@example.org".to_owned()), ..profile("1001") };
    take(&store, &accounts_file(&[email]), &at("2026-04-05")).await;
    assert!(store.kinships(true).await.expect("pairs").is_empty());
}

pub async fn what_was_written_off_comes_back_from_its_own_due_date(store: Store, _: String) {
    let debtor = one_debtor(&store).await;
    let debts = to_write_off(&snapshot(&store, debtor).await.items, day("2026-05-20"));
    let what = Proposed::WriteOff { debts };
    let id = store.propose(debtor, &what, Cents::new(18_000), "moved", &lead("2026-05-20")).await.expect("proposed");
    store.approve_proposal(id, &[], &rules(), &at("2026-05-21")).await.expect("written off");
    assert_eq!(balance_of(&store, debtor).await, Cents::ZERO);
    // Whoever comes back to such an account is noticed, though nothing is open on it.
    take(
        &store,
        &accounts_file(&[Profile { customer_name: "Customer 1001".to_owned(), ..profile("1002") }]),
        &at("2027-01-10"),
    )
    .await;
    assert_eq!(store.kinships(true).await.expect("pairs").len(), 1);
    let entries = store.entries(debtor).await.expect("entries");
    let write_off = entries.iter().find(|entry| entry.kind == EntryKind::WriteOff).expect("the write-off").id;
    let what = Proposed::Reinstatement {
        write_offs: vec![write_off],
        facts: Vec::new(),
        left_over: Vec::new(),
        partly: Vec::new(),
    };
    let id =
        store.propose(debtor, &what, Cents::new(18_000), "she is back", &lead("2027-01-11")).await.expect("proposed");
    store.approve_proposal(id, &[], &rules(), &at("2027-01-12")).await.expect("owed again");
    let items = snapshot(&store, debtor).await.items;
    assert_eq!(
        (items[0].due_on, items[0].open, items[0].service),
        (day("2026-03-23"), Cents::new(18_000), Service::Water)
    );
    assert!(store.approve_proposal(id, &[], &rules(), &at("2027-01-13")).await.is_err());
}
