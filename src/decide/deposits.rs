//! Deposits after the end of service: applied once the final bill is there, and until then nobody is dunned.

use super::bars::Barred;
use super::held::{Held, earlier};
use super::view::View;
use crate::domain::action::DepositAction;
use crate::domain::case::StageRef;
use crate::domain::day::plus_days;
use crate::domain::decision::{Act, ActKey, Bar, Finding, Verdict};
use crate::domain::deposit::{Deposit, DepositOrder, apply_from};
use crate::domain::hold::Blocks;
use crate::domain::{Action, Cents, Day, Decision, EntryId, EntryKind, ItemId, RuleId};

/// Where the policy says nothing of deposits: no rule has this number.
const NO_RULE: RuleId = RuleId(u32::MAX);

/// The name under which a deposit's act and its reasons stand.
const STAGE: &str = "deposit";

/// Applies each deposit that is held once service has ended and the final bill is there, and says of the others why not.
pub fn apply(view: &View, decision: &mut Decision) {
    let Some(ended) = view.snapshot.profile.ended else { return };
    let mut debt = view.snapshot.balance();
    for deposit in &view.snapshot.deposits {
        if let Some(applied) = deposit.applied {
            decision.findings.push(found(view, deposit, Verdict::Done(applied.on), applied.amount, None));
            continue;
        }
        let held = deposit.held_on(view.on);
        if !held.is_positive() {
            continue;
        }
        match waits(view, ended) {
            Some((verdict, until)) => {
                decision.findings.push(found(view, deposit, verdict, held, until));
                decision.next_review = earlier(decision.next_review, until);
            }
            None => {
                debt -= held;
                let act = act(view, deposit, held, (-debt).clamp(Cents::ZERO, held));
                decision.findings.push(act.because.clone());
                decision.acts.push(act);
            }
        }
    }
}

/// Why the deposits are not applied today, and the first day on which that could differ.
fn waits(view: &View, ended: Day) -> Option<(Verdict, Option<Day>)> {
    if view.on < ended {
        return Some((Verdict::WaitsUntil(ended), Some(ended)));
    }
    if let Some(reason) = &view.snapshot.frozen {
        return Some((Verdict::Barred(Bar::Frozen(reason.clone())), None));
    }
    // A deposit of the time before against debt of the time before is a setoff: it takes the court's leave
    // (11 USC 362(a)(7), 553), and what is to become of the deposit is for counsel.
    if let Some(petition) = view.snapshot.stay_on(view.on) {
        return Some((Verdict::Barred(Bar::Stayed(view.snapshot.stayed_amount(), petition.words())), None));
    }
    // Who is not charged under a hold is not made to pay under it either.
    let mut holds = view.snapshot.holds.iter().filter(|hold| hold.holds_on(view.on));
    if let Some(hold) = holds.find(|hold| view.policy.hold_blocks(hold.kind).contains(&Blocks::Fees)) {
        return Some((Verdict::Barred(Bar::Hold(hold.kind)), hold.changes_after(view.on)));
    }
    let from = apply_from(Some(ended), view.snapshot.final_bill, view.policy.deposits.without_bill_days)?;
    (view.on < from).then_some((Verdict::WaitsUntil(from), Some(from)))
}

fn act(view: &View, deposit: &Deposit, held: Cents, refund: Cents) -> Act {
    let profile = &view.snapshot.profile;
    let of = StageRef {
        case: view.snapshot.cases_so_far,
        track: STAGE.into(),
        anchor: EntryId(deposit.id.0),
        stage: STAGE.into(),
        round: 1,
    };
    let mut because = found(view, deposit, Verdict::Acts, held, None);
    if refund.is_positive() {
        because.facts.push(("left over for the customer".into(), refund.to_string()));
    }
    Act {
        key: ActKey { account: view.snapshot.account, of, service: None, n: 0 },
        action: Action::ApplyDeposit(DepositAction {
            deposit: deposit.id,
            first: first(view),
            refund,
            payee: format!("{}, {}", profile.customer_name, profile.mailing_address.one_line()),
        }),
        amount: Some(held),
        for_day: view.on,
        notice: None,
        needs_release: false,
        because,
    }
}

/// The open charge of the final bill that is due first.
fn first(view: &View) -> Option<ItemId> {
    let billed = view.snapshot.final_bill.filter(|_| view.policy.deposits.pays == DepositOrder::FinalBill)?;
    let charges = view.snapshot.items.iter().filter(|item| item.kind == EntryKind::Charge);
    charges
        .filter(|item| item.billed_on >= billed)
        .min_by_key(|item| (item.billed_on, item.due_on, item.id))
        .map(|i| i.id)
}

fn found(view: &View, deposit: &Deposit, verdict: Verdict, amount: Cents, until: Option<Day>) -> Finding {
    let mut facts = vec![("deposit".to_owned(), format!("{amount}, received {}", deposit.received_on))];
    if deposit.interest.is_positive() {
        facts.push(("interest in it".into(), deposit.interest.to_string()));
    }
    if deposit.taken.is_positive() {
        facts.push(("applied by the billing system".into(), deposit.taken.to_string()));
    }
    if let Some(ended) = view.snapshot.profile.ended {
        facts.push(("service ended".into(), ended.to_string()));
    }
    let bill = view.snapshot.final_bill.map_or_else(|| "has not come".to_owned(), |day| day.to_string());
    facts.push(("final bill".into(), bill));
    let rule = view.policy.deposits.rule.unwrap_or(NO_RULE);
    Finding { rule, track: None, stage: Some(STAGE.into()), verdict, facts, until }
}

/// What of deposits was applied, and when the last of it: whoever is written to sees it.
pub fn credited(view: &View) -> Option<(Day, Cents)> {
    let applied = || view.snapshot.deposits.iter().filter_map(|deposit| deposit.applied);
    applied().map(|credit| credit.on).max().map(|on| (on, applied().map(|credit| credit.amount).sum()))
}

/// Nobody is dunned after the end of service while a deposit is held.
pub fn bar(view: &View) -> Option<Held<Option<Barred>>> {
    let due = view.snapshot.deposit_due(view.on);
    due.is_positive().then(|| {
        let rule = view.policy.deposits.rule;
        let facts = vec![("deposit held".into(), due.to_string())];
        // It is applied by a decision, so that the day after any decision may be another.
        Held::until(Some(Barred { bar: Bar::Deposit(due), rule, facts }), Some(plus_days(view.world.today, 1)))
    })
}

/// The day on which service ends, where a deposit is held and that is ahead: what is barred differs from then on.
pub fn next_change(view: &View) -> Option<Day> {
    let held = view.snapshot.deposits.iter().any(|deposit| deposit.applied.is_none());
    view.snapshot.profile.ended.filter(|ended| held && *ended > view.on)
}
