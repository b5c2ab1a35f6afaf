//! Decisions, committed in batches: the case, the next review, fees, and what the acts order.
//!
//! A decision counts only while its account has learned nothing since the snapshot that it saw. What it orders is keyed
//! by the act, so that the same act ordered again stands once.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::json;
use sqlx::types::Json;

use super::bodies::{Bodies, PART, Part};
use super::event::{self, NewEvent};
use super::given::{CommitOutcome, ExceptionKind, NewHold, Stamp};
use super::kept;
use super::ledger::{self, EntryRow, OWN_SOURCE};
use super::log::{self, NewLine};
use super::proposal::{self, OfPolicy};
use super::settle::settle_debts;
use super::task::{self, NewTask};
use super::{
    Backend, Commit, Conn, FOR_UPDATE, LOCK_NO_IMPORT, Result, account, body, call, deposit, exception, field_order,
    hold, ids, notice, outbox, referral, rows, sql,
};
use crate::domain::action::{CallAction, DepositAction};
use crate::domain::call::{Call, CallState};
use crate::domain::case::{Cause, StageRef};
use crate::domain::day::plus_days;
use crate::domain::field_order::{FieldOrder, OrderKind, OrderState};
use crate::domain::notice::{NewNotice, Notice, NoticeState};
use crate::domain::referral::{Referral, ReferralState};
use crate::domain::{
    AccountId, Act, Action, CallId, Case, Cents, Day, EntryKind, EventKind, ItemId, NoticeId, OrderId, ReferralId,
    Role, RunId, Service,
};
use crate::rulebook::policy::LedgerRules;

impl Backend {
    pub async fn commit_decisions(
        &self,
        run: Option<RunId>,
        commits: &[Commit],
        rules: &LedgerRules,
        stamp: &Stamp,
    ) -> Result<Vec<CommitOutcome>> {
        let mut tx = self.write().await?;
        // An import that is under way has entries with numbers below the fee's and is learned after it. So it is waited
        // for, and an account to which it brought something is stale. Whoever posts a single entry locks its account first.
        // So is one that brings a deposit's credit as the billing system applied it.
        let posts = |act: &Act| matches!(act.action, Action::Fee(_) | Action::ApplyDeposit(_));
        if commits.iter().any(|commit| commit.decision.acts.iter().any(posts)) {
            sqlx::query(LOCK_NO_IMPORT).execute(&mut *tx).await?;
        }
        let stale = stale(&mut tx, commits).await?;
        let is_stale = |commit: &Commit| stale.contains(&commit.decision.account);
        let standing: Vec<&Commit> = commits.iter().filter(|commit| !is_stale(commit)).collect();

        write_cases(&mut tx, &standing).await?;
        cancel(&mut tx, &standing, stamp).await?;
        let orders = Orders::of(&standing, stamp);
        orders.carry_out(&mut tx, rules, stamp).await?;
        let heads = log::write_decisions(&mut tx, run, &standing, stamp).await?;
        write_reviews(&mut tx, &standing, &orders.learned, &heads).await?;
        tx.commit().await?;

        let outcome = |commit| if is_stale(commit) { CommitOutcome::Stale } else { CommitOutcome::Committed };
        Ok(commits.iter().map(outcome).collect())
    }
}

/// What an account's decision has seen of its facts.
#[derive(Serialize)]
struct Seen {
    account: AccountId,
    seen: i64,
}

/// The accounts that have learned something since their decision looked. All are locked, in order of their ids, until
/// the transaction ends.
async fn stale(conn: &mut Conn, commits: &[Commit]) -> Result<BTreeSet<AccountId>> {
    let seen = |commit: &Commit| Seen { account: commit.decision.account, seen: commit.decision.seen_seq };
    let seen: Vec<Seen> = commits.iter().map(seen).collect();
    let select = format!(
        "SELECT locked.account_id FROM (
            SELECT review.account_id, review.facts_seq, r.seen
            FROM {} JOIN review ON review.account_id = r.account ORDER BY review.account_id {FOR_UPDATE}) AS locked
         WHERE locked.facts_seq <> locked.seen",
        rows(1, "account bigint, seen bigint")
    );
    let found: Vec<i64> = sqlx::query_scalar(sql(select)).bind(Json(seen)).fetch_all(conn).await?;
    Ok(found.into_iter().map(AccountId).collect())
}

#[derive(Serialize)]
struct CaseRow {
    account: AccountId,
    cases: u32,
    /// None when the case is closed.
    #[serde(flatten)]
    part: Option<Part>,
}

async fn write_cases(conn: &mut Conn, standing: &[&Commit]) -> Result<()> {
    let mut bodies = Bodies::default();
    let changed: Vec<CaseRow> = standing
        .iter()
        .filter_map(|commit| {
            let case = commit.case.as_ref()?;
            let part = case.body.as_deref().map(|body| bodies.add_text(body));
            Some(CaseRow { account: commit.decision.account, cases: case.so_far, part })
        })
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let upsert = format!(
        "INSERT INTO case_state (account_id, cases_so_far, body)
         SELECT r.account, r.cases, {} FROM {} WHERE true
         ON CONFLICT (account_id) DO UPDATE SET cases_so_far = excluded.cases_so_far, body = excluded.body",
        body(2),
        rows(1, &format!("account bigint, cases bigint, {PART}"))
    );
    sqlx::query(sql(upsert)).bind(Json(changed)).bind(bodies.into_blob()).execute(conn).await?;
    Ok(())
}

#[derive(Serialize)]
struct ReviewRow<'a> {
    account: AccountId,
    /// The head of its chain in the log, where the decision has a line.
    head: Option<&'a str>,
    next_review: Option<Day>,
    /// Whether the decision itself adds to what the next one sees: 1 or 0.
    learned: i64,
    /// Whether an account that was looked at stays so: 1 or 0.
    looked: i64,
}

/// Sets the next reviews. An account to whose facts the decision itself added is looked at again the day after. A case
/// that moved on makes stale whatever else was decided on what it was before.
async fn write_reviews(
    conn: &mut Conn,
    standing: &[&Commit],
    learned: &BTreeSet<AccountId>,
    heads: &BTreeMap<AccountId, String>,
) -> Result<()> {
    // A policy that was adopted ahead is looked at on its first day, whatever was decided until then.
    let Some(first) = standing.first() else { return Ok(()) };
    let next_policy: Option<Day> = sqlx::query_scalar("SELECT MIN(effective_on) FROM policy WHERE effective_on > $1")
        .bind(first.decision.on)
        .fetch_one(&mut *conn)
        .await?;
    let mut reviews = Vec::with_capacity(standing.len());
    for commit in standing {
        let decision = &commit.decision;
        let has_learned = learned.contains(&decision.account);
        let tomorrow = has_learned.then(|| plus_days(decision.on, 1));
        reviews.push(ReviewRow {
            account: decision.account,
            head: heads.get(&decision.account).map(String::as_str),
            next_review: [decision.next_review, tomorrow, next_policy].into_iter().flatten().min(),
            learned: i64::from(has_learned || commit.case.is_some()),
            looked: i64::from(decision.acts.iter().all(|act| is_no_matter_to_the_look(act, decision.on))),
        });
    }
    let update = format!(
        "UPDATE review SET next_review = r.next_review, facts_seq = facts_seq + r.learned,
            looked_seq = CASE WHEN r.looked = 1 AND looked_seq = facts_seq THEN looked_seq + r.learned ELSE looked_seq END,
            chain_head = COALESCE(r.head, chain_head)
         FROM {} WHERE review.account_id = r.account",
        rows(1, "account bigint, next_review date, learned bigint, looked bigint, head text")
    );
    sqlx::query(sql(update)).bind(Json(reviews)).execute(conn).await?;
    Ok(())
}

/// Whether the act changes nothing of what a night looks for beyond the accounts that are due (`look`). What the daemon tells,
/// orders and charges by itself is most of a night's facts, and none of it makes a debt follow its customer, come back or be
/// barred. A fee is a debt, and is found by its due date, as long as that is not past already.
fn is_no_matter_to_the_look(act: &Act, on: Day) -> bool {
    match &act.action {
        Action::Notice(_)
        | Action::Call(_)
        | Action::Visit(_)
        | Action::Tag(_)
        | Action::Task { .. }
        | Action::Disconnect { .. }
        | Action::Restore { .. }
        | Action::Freeze { .. }
        | Action::Refer { .. }
        | Action::Route { .. }
        | Action::NoRoute { .. } => true,
        Action::Fee(fee) => on <= plus_days(act.for_day, i64::from(fee.due_days)),
        Action::ReverseFee { .. }
        | Action::ApplyDeposit(_)
        | Action::Hold { .. }
        | Action::Flag { .. }
        | Action::WriteOff => false,
    }
}

/// What is to be canceled at an account: the pending acts of a stage, or of the whole case.
struct Ended<'a> {
    stage: Option<&'a StageRef>,
    cause: &'a Cause,
}

/// What each account's decision cancels.
type Endings<'a> = BTreeMap<AccountId, Vec<Ended<'a>>>;

fn endings<'a>(standing: &[&'a Commit]) -> Endings<'a> {
    let mut endings = Endings::new();
    for decision in standing.iter().map(|commit| &commit.decision) {
        let stages = decision.cancels.iter().map(|(stage, cause)| Ended { stage: Some(stage), cause });
        let whole = decision.closed.iter().map(|cause| Ended { stage: None, cause });
        let ended: Vec<Ended<'a>> = stages.chain(whole).collect();
        if !ended.is_empty() {
            endings.insert(decision.account, ended);
        }
    }
    endings
}

/// Why something of the stage is canceled, when it is.
fn cause_of(endings: &Endings<'_>, account: AccountId, stage: Option<&StageRef>) -> Option<String> {
    let ended = endings.get(&account)?;
    ended.iter().find(|ended| ended.stage.is_none() || ended.stage == stage).map(|ended| ended.cause.to_string())
}

async fn cancel(conn: &mut Conn, standing: &[&Commit], stamp: &Stamp) -> Result<()> {
    let endings = endings(standing);
    if endings.is_empty() {
        return Ok(());
    }
    let accounts: Vec<AccountId> = endings.keys().copied().collect();
    cancel_notices(conn, &endings, &accounts, stamp).await?;
    cancel_calls(conn, &endings, &accounts).await?;
    cancel_orders(conn, &endings, &accounts, stamp).await?;
    cancel_referrals(conn, &endings, &accounts, stamp).await
}

async fn cancel_notices(conn: &mut Conn, endings: &Endings<'_>, accounts: &[AccountId], stamp: &Stamp) -> Result<()> {
    let condition =
        format!("account_id IN {} AND state IN ('planned', 'released', 'rendered', 'batched') ORDER BY id", ids(1));
    let mut pending: Vec<Notice> = kept::list(conn, kept::select(&condition).bind(Json(accounts.to_vec()))).await?;
    let cause = |notice: &Notice| cause_of(endings, notice.account, Some(&notice.of));
    pending.retain(|notice| notice.is_of_stage() && cause(notice).is_some());
    let cause = |notice: &Notice| cause(notice).unwrap_or_default();
    let canceled = notice::end(conn, pending, NoticeState::Canceled, cause, stamp).await?;
    let line = |notice: &Notice| notice::lines(std::slice::from_ref(notice), "notice canceled", &cause(notice));
    log::write(conn, &canceled.iter().flat_map(line).collect::<Vec<_>>(), None, stamp).await
}

async fn cancel_calls(conn: &mut Conn, endings: &Endings<'_>, accounts: &[AccountId]) -> Result<()> {
    let condition = format!("account_id IN {} AND state IN ('waiting', 'listed', 'released') ORDER BY id", ids(1));
    let mut calls: Vec<Call> = kept::list(conn, kept::select(&condition).bind(Json(accounts.to_vec()))).await?;
    for call in &mut calls {
        if let Some(cause) = cause_of(endings, call.account, call.of.as_ref()) {
            call.state = CallState::Canceled;
            call.cause = Some(cause);
        }
    }
    calls.retain(|call| !call::is_pending(call));
    call::put(conn, &calls).await
}

/// A restoration is never canceled with the case: it is what the payment bought.
async fn cancel_orders(conn: &mut Conn, endings: &Endings<'_>, accounts: &[AccountId], stamp: &Stamp) -> Result<()> {
    let condition = format!(
        "account_id IN {} AND state IN ('prepared', 'approved', 'finalized', 'dispatched') ORDER BY id",
        ids(1)
    );
    let mut orders: Vec<FieldOrder> = kept::list(conn, kept::select(&condition).bind(Json(accounts.to_vec()))).await?;
    let cause = |order: &FieldOrder| cause_of(endings, order.account, order.of.as_ref());
    orders.retain(|order| order.kind != OrderKind::Restore && cause(order).is_some());
    field_order::cancel(conn, orders, |order| cause(order).unwrap_or_default(), stamp).await
}

/// A referral carries no stage of its own; it ends with its case.
async fn cancel_referrals(conn: &mut Conn, endings: &Endings<'_>, accounts: &[AccountId], stamp: &Stamp) -> Result<()> {
    let condition = format!("account_id IN {} AND state IN ('candidate', 'approved') ORDER BY id", ids(1));
    let mut referrals: Vec<Referral> = kept::list(conn, kept::select(&condition).bind(Json(accounts.to_vec()))).await?;
    for referral in &mut referrals {
        if let Some(cause) = cause_of(endings, referral.account, None) {
            referral.state = ReferralState::Canceled;
            referral.cause = Some(cause);
        }
    }
    referrals.retain(|referral| !referral::is_pending(referral));
    referral::put(conn, &referrals).await?;
    let line = |referral: &Referral| NewLine::of(referral.account, "referral canceled", json!(referral));
    log::write(conn, &referrals.iter().map(line).collect::<Vec<_>>(), None, stamp).await
}

/// What the lead is told of a required call that cannot be made, under a policy that allows no visit instead.
const NO_CALL: &str = "The policy requires a call, and the customer cannot be telephoned (see `arrears why`). Nothing behind it \
    moves: enter a number, add `or: visit` to the policy, or skip the stage with a reason";

/// What the acts of a batch order, by kind, so that each kind is one statement.
#[derive(Default)]
struct Orders {
    notices: Vec<Notice>,
    /// Acts whose notices need no release.
    released: Vec<String>,
    events: Vec<NewEvent>,
    calls: Vec<Call>,
    field_work: Vec<FieldOrder>,
    referrals: Vec<Referral>,
    tasks: Vec<NewTask>,
    holds: Vec<(AccountId, NewHold)>,
    flags: Vec<(AccountId, String)>,
    /// Debts that the policy proposes to write off.
    write_offs: Vec<OfPolicy>,
    /// Debts without a destination, for the exceptions list.
    gaps: Vec<(AccountId, String)>,
    /// Fees, what takes fees back, and deposits.
    fees: Vec<EntryRow>,
    /// Deposits that are applied.
    deposits: Vec<deposit::Applying>,
    /// Accounts to whose facts the decision itself adds.
    learned: BTreeSet<AccountId>,
}

impl Orders {
    fn of(standing: &[&Commit], stamp: &Stamp) -> Self {
        let mut orders = Self::default();
        for commit in standing {
            for act in &commit.decision.acts {
                let items = commit.decision.case.as_ref().map(|case| items_of(case, &act.key.of)).unwrap_or_default();
                orders.take(act, items, commit.decision.on);
            }
            orders.take_pieces(&commit.pieces, stamp);
        }
        orders
    }

    /// `items` are those on which the act's stage rests.
    fn take(&mut self, act: &Act, items: Vec<ItemId>, on: Day) {
        let account = act.key.account;
        match &act.action {
            // Its pieces come with the decision.
            Action::Notice(_) => {}
            Action::Call(wanted) => self.calls.push(wanted_call(act, wanted)),
            Action::Visit(call) => self.visit(act, call, on),
            Action::Fee(fee) => {
                self.learned.insert(account);
                self.fees.push(EntryRow {
                    account,
                    service: act.key.service.unwrap_or(Service::General),
                    kind: EntryKind::Fee,
                    cents: act.amount.unwrap_or(Cents::ZERO),
                    effective_on: act.for_day,
                    due_on: Some(plus_days(act.for_day, i64::from(fee.due_days))),
                    printed: BTreeMap::new(),
                    designated_item: None,
                    designated_service: None,
                    reverses: None,
                    channel: None,
                    source: OWN_SOURCE.to_owned(),
                    reference: act.key.to_string(),
                    memo: fee.name.clone(),
                });
            }
            Action::ApplyDeposit(deposit) => self.apply_deposit(act, deposit),
            Action::ReverseFee { fee, name } => {
                self.learned.insert(account);
                self.fees.push(reversal(act, *fee, name, on));
            }
            Action::Tag(tag) => {
                let service = act.key.service.unwrap_or(Service::General);
                let instruction = tag.to_tenants.then(|| on_every_door(tag.doors));
                let tag = order(act, OrderKind::Tag, service, OrderState::Approved);
                self.field_work.push(FieldOrder { instruction, ..tag });
            }
            Action::Disconnect { services, limit_only } => {
                let kind = if *limit_only { OrderKind::Limit } else { OrderKind::ShutOff };
                self.field_work.extend(services.iter().map(|service| order(act, kind, *service, OrderState::Prepared)));
            }
            Action::Restore { services, .. } => self
                .field_work
                .extend(services.iter().map(|service| order(act, OrderKind::Restore, *service, OrderState::Approved))),
            Action::Task { text, role } => self.task(act, text.clone(), *role),
            Action::Hold { kind, days } => {
                self.learned.insert(account);
                let hold = NewHold {
                    kind: *kind,
                    from: on,
                    through: days.map(|days| plus_days(on, i64::from(days))),
                    items: Vec::new(),
                    stops_clock: false,
                    reason: format!("stage {} of the policy", act.key.of.stage),
                    estate: None,
                };
                self.holds.push((account, hold));
            }
            Action::Flag { name } => {
                self.learned.insert(account);
                self.flags.push((account, name.clone()));
            }
            Action::Refer { to } => self.referrals.push(Referral {
                id: ReferralId(0),
                account,
                act_key: act.key.to_string(),
                to: *to,
                state: ReferralState::Candidate,
                proposed_on: on,
                amount: debt_of(act),
                items: items.into_iter().collect(),
                approved_by: None,
                approved_on: None,
                placed_on: None,
                cause: None,
                limitation_override: None,
                placement: None,
            }),
            // What a policy says; decided, it is one of the two beside it.
            Action::Route { .. } => {}
            Action::NoRoute { text, .. } => self.gaps.push((account, text.clone())),
            // The amount is frozen in the case.
            Action::Freeze { .. } => {}
            // Money is written off by a person alone.
            Action::WriteOff => self.write_offs.push(OfPolicy {
                account,
                act_key: act.key.to_string(),
                items,
                reason: format!("stage {} of the policy", act.key.of.stage),
            }),
        }
    }

    /// A visit; also for a contact that cannot be made by telephone: a crew goes where the policy has a visit for it, else the
    /// lead is told.
    fn visit(&mut self, act: &Act, call: &CallAction, on: Day) {
        let account = act.key.account;
        self.learned.insert(account);
        let stage = Some(act.key.of.clone());
        if call.replaces_call() {
            self.events.push(NewEvent { account, kind: EventKind::CallImpossible, on_day: on, stage });
        }
        if call.or_visit {
            self.field_work.push(order(act, OrderKind::Visit, Service::General, OrderState::Approved));
        } else {
            self.task(act, NO_CALL.to_owned(), Role::Lead);
        }
    }

    /// The deposit becomes a credit; what is left over of it is for a person to give back.
    fn apply_deposit(&mut self, act: &Act, applied: &DepositAction) {
        self.learned.insert(act.key.account);
        self.deposits.push(deposit::Applying::of(act, applied));
        self.fees.push(deposit::credit(act, applied));
    }

    fn task(&mut self, act: &Act, text: String, role: Role) {
        self.tasks.push(NewTask { account: act.key.account, act_key: act.key.to_string(), text, role });
    }

    fn take_pieces(&mut self, pieces: &[NewNotice], stamp: &Stamp) {
        let notices: Vec<Notice> = pieces.iter().map(|piece| planned(piece, stamp)).collect();
        let released: Vec<Notice> =
            notices.iter().filter(|notice| notice.state == NoticeState::Released).cloned().collect();
        self.released.extend(released.iter().map(|notice| notice.act_key.clone()));
        self.learned.extend(released.iter().map(|notice| notice.account));
        self.events.extend(notice::event_each_act(&released, EventKind::NoticeReleased, stamp.on));
        self.notices.extend(notices);
    }

    async fn carry_out(&self, conn: &mut Conn, rules: &LedgerRules, stamp: &Stamp) -> Result<()> {
        if !self.notices.is_empty() {
            notice::add(conn, &self.notices).await?;
        }
        if !self.released.is_empty() {
            outbox::enqueue_rendering(conn, &self.released, stamp.at).await?;
        }
        event::record(conn, &self.events, stamp).await?;
        if !self.calls.is_empty() {
            call::add(conn, &self.calls).await?;
        }
        if !self.field_work.is_empty() {
            field_order::add(conn, &self.field_work).await?;
        }
        if !self.referrals.is_empty() {
            referral::add(conn, &self.referrals).await?;
        }
        if !self.tasks.is_empty() {
            task::add(conn, &self.tasks, stamp.on).await?;
        }
        for (account, new) in &self.holds {
            hold::add(conn, *account, new, stamp).await?;
        }
        for write_off in &self.write_offs {
            proposal::add_of_policy(conn, write_off, stamp).await?;
        }
        for (account, text) in &self.gaps {
            exception::open(conn, Some(*account), ExceptionKind::PolicyGap, text, stamp).await?;
        }
        for (account, name) in &self.flags {
            account::set_flag(conn, *account, name, "yes", stamp).await?;
        }
        if !self.fees.is_empty() {
            let new = ledger::not_posted(conn, &self.fees).await?;
            ledger::post(conn, &new, stamp.at).await?;
            settle_debts(conn, &new, rules, stamp).await?;
        }
        if !self.deposits.is_empty() {
            deposit::applied(conn, &self.deposits, stamp).await?;
        }
        Ok(())
    }
}

fn items_of(case: &Case, of: &StageRef) -> Vec<ItemId> {
    let runs = case.tracks.iter().filter(|run| run.track == of.track && run.anchor == of.anchor);
    let steps = runs.flat_map(|run| &run.steps).filter(|step| step.stage == of.stage && step.round == of.round);
    steps.flat_map(|step| step.items.iter().copied()).collect()
}

/// What takes a fee back; its key is in the reference, so that it is posted once.
fn reversal(act: &Act, fee: ItemId, name: &str, on: Day) -> EntryRow {
    EntryRow {
        account: act.key.account,
        service: act.key.service.unwrap_or(Service::General),
        kind: EntryKind::Reversal,
        cents: -act.amount.unwrap_or(Cents::ZERO),
        effective_on: on,
        due_on: None,
        printed: BTreeMap::new(),
        designated_item: None,
        designated_service: None,
        reverses: Some(fee),
        channel: None,
        source: OWN_SOURCE.to_owned(),
        reference: act.key.to_string(),
        memo: format!("{name} taken back: nothing that can be asked for was past due on its day"),
    }
}

/// The debt that an act rests on.
fn debt_of(act: &Act) -> Cents {
    act.amount.or_else(|| act.notice.as_ref().map(|facts| facts.amount)).unwrap_or(Cents::ZERO)
}

fn order(act: &Act, kind: OrderKind, service: Service, state: OrderState) -> FieldOrder {
    FieldOrder {
        id: OrderId(0),
        account: act.key.account,
        act_key: act.key.to_string(),
        of: Some(act.key.of.clone()),
        kind,
        service,
        state,
        for_day: act.for_day,
        amount: debt_of(act),
        approved_by: None,
        approved_on: None,
        finalized_by: None,
        finalized_on: None,
        dispatched_on: None,
        done_on: None,
        done_at: None,
        crew: None,
        note: String::new(),
        instruction: None,
        cause: None,
    }
}

/// What a crew is told that leaves the notice for the tenants of a landlord's account (Public Utilities Code 10009).
fn on_every_door(doors: Option<u16>) -> String {
    let doors = match doors {
        Some(1) => "on the door of the dwelling".to_owned(),
        Some(doors) => format!("on the door of every dwelling, {doors} in all"),
        None => "on the door of every dwelling".to_owned(),
    };
    format!("{doors}; where a door cannot be reached, two copies in each common area and at each entrance")
}

fn planned(piece: &NewNotice, stamp: &Stamp) -> Notice {
    let is_released = !piece.needs_release;
    Notice {
        released_on: is_released.then_some(stamp.on),
        released_by: is_released.then(|| stamp.by.to_string()),
        ..piece.clone().into_notice(NoticeId(0))
    }
}

/// A call that the policy wants, on no list yet.
fn wanted_call(act: &Act, wanted: &CallAction) -> Call {
    Call {
        id: CallId(0),
        account: act.key.account,
        act_key: act.key.to_string(),
        of: Some(act.key.of.clone()),
        script: wanted.script.clone(),
        required: wanted.required,
        attempts_wanted: wanted.attempts,
        attempts_made: 0,
        state: CallState::Waiting,
        not_before: act.for_day,
        listed_on: None,
        rank: None,
        score_milli: 0,
        score: Vec::new(),
        assigned_to: None,
        amount: debt_of(act),
        days_past_due: act.notice.as_ref().map_or(0, |facts| facts.days_past_due),
        cause: None,
    }
}
