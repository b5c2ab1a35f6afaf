//! A policy file, with the packs it extends, to a [`Policy`]: everything wrong in all of them at once.

use sha2::{Digest, Sha256};

use crate::domain::{Calendar, Cents, Day, PolicyHash, Service};

use super::document::{self, Node};
use super::error::{Fault, Report, RuleError, RuleErrors, one_of};
use super::fields::{self, Fields};
use super::guards::{self, GuardDraft, Pack};
use super::origins::Origins;
use super::policy::{OpenCases, Policy, ReferralRules};
use super::routes::Reads;
use super::settings;
use super::sources::Sources;
use super::stories;
use super::tracks::{self, TrackDraft};
use super::{approvals, arrangements, calendar, debts, proceedings};
use super::{breach, validate};

/// The largest number of errors that one load tells; the rest follow from them as a rule.
const MOST_ERRORS: usize = 50;

/// Loads the policy at `file` of `sources`, with its packs from `guards/` and its calendar from `calendars/`.
///
/// # Errors
/// Everything that is wrong with the policy, its packs and its calendar, and every rule of the policy that the text
/// shows to break a guard.
pub fn load(sources: &Sources, file: &str) -> Result<Policy, RuleErrors> {
    let Some(text) = sources.get(file) else {
        return Err(sources.missing(file));
    };
    let mut report = Report::new(file, text);
    let mut origins = Origins::default();
    let mut others = Vec::new();
    let root = document::parse(text, &mut report);
    let read = root.as_ref().and_then(|root| policy(root, sources, &mut origins, &mut report, &mut others));
    let mut errors = report.into_errors();
    errors.extend(others);
    errors.truncate(MOST_ERRORS);
    match read {
        Some(policy) if errors.is_empty() => Ok(policy),
        _ => Err(RuleErrors(errors)),
    }
}

/// The head of a policy.
struct Head {
    name: String,
    title: String,
    authority: String,
    effective_from: Day,
    open_cases: OpenCases,
    time_zone: String,
    /// The name by which the policy calls it, and what it says.
    calendar: (String, Calendar),
}

/// What is billed and what can be shut off.
struct Services {
    /// In the order of the file.
    billed: Vec<Service>,
    disconnects: Vec<Service>,
}

fn policy(
    root: &Node,
    sources: &Sources,
    origins: &mut Origins,
    report: &mut Report<'_>,
    others: &mut Vec<RuleError>,
) -> Option<Policy> {
    let mut fields = Fields::of(root, "a policy", report)?;
    // The policy's own rules are numbered first; a pack is read before, since it may say what is shut off.
    let mut pack_origins = Origins::default();
    let (packs, mut hash) = packs(fields.take("extends", report), sources, &mut pack_origins, report, others);
    let head = head(&mut fields, sources, report, others);
    let services = services(&mut fields, &packs, report);
    let ledger = settings::ledger(fields.take("ledger", report), report);
    let cure_below = fields
        .take("cure_below", report)
        .and_then(|node| report.take(fields::money(node, "cure_below")))
        .unwrap_or(Cents::ZERO);
    let drafts = fields
        .need("tracks", report)
        .map(|node| tracks::tracks(node, &services.disconnects, origins, report))
        .unwrap_or_default();
    let bars = settings::bars(fields.take("bars", report), origins, report);
    let holds = settings::holds(fields.take("holds", report), origins, report);
    let calls = settings::calls(fields.take("calls", report), report);
    let promises = settings::promises(fields.take("promises", report), report);
    let arrangements = arrangements::arrangements(fields.take("arrangements", report), origins, report);
    let referral = fields.take("referral", report);
    let refers = referral.is_some();
    let mut layouts = Vec::new();
    let referral = if refers {
        let mut reads = Reads { sources, origins, others, texts: &mut layouts };
        settings::referral(referral, &mut reads, report)
    } else {
        ReferralRules::default()
    };
    let approvals = approvals::approvals(fields.take("approvals", report), report);
    let proceedings = proceedings::proceedings(&mut fields, report);
    let deposits = debts::deposits(fields.take("deposits", report), origins, report);
    let debts_follow = debts::follow(fields.take("debts_follow", report), origins, report);
    let stages: Vec<String> =
        drafts.iter().flat_map(|track| &track.stages).map(|stage| stage.stage.id.as_str().to_owned()).collect();
    let service = services.billed.first().copied().unwrap_or(Service::Water);
    let context = stories::Context { stages: &stages, due_days: ledger.due_days, service };
    let stories = stories::stories(fields.take("tests", report), context, report);
    fields.done(report);

    let sound = validate::check(&drafts, refers.then_some(&referral), report);
    for text in &layouts {
        hash.add(text);
    }
    let guards = merge(packs, pack_origins, origins);
    let head = head?;
    if sound {
        breach::check(&drafts, &guards, ledger.due_days, &head.calendar.1, report);
    }
    Some(Policy {
        hash: hash.of_policy(sources, report.file),
        name: head.name,
        title: head.title,
        authority: head.authority,
        effective_from: head.effective_from,
        open_cases: head.open_cases,
        time_zone: head.time_zone,
        calendar: head.calendar.0,
        ledger,
        cure_below,
        tracks: drafts.into_iter().map(joined).collect(),
        bars,
        guards: guards.into_iter().map(|draft| draft.guard).collect(),
        holds,
        calls,
        arrangements,
        promises,
        referral,
        approvals,
        proceedings,
        deposits,
        debts_follow,
        origins: std::mem::take(&mut origins.0),
        stories,
    })
}

fn head(
    fields: &mut Fields<'_>,
    sources: &Sources,
    report: &mut Report<'_>,
    others: &mut Vec<RuleError>,
) -> Option<Head> {
    let name_node = fields.need("policy", report);
    let name = name_node.and_then(|node| {
        let text = report.take(fields::text(node, "a policy's name"))?;
        report.take(fields::name(text, node.at, "a policy"))?;
        Some(text.to_owned())
    });
    let title = fields.take("title", report).and_then(|node| report.take(fields::text(node, "a title")));
    let authority = fields.need("authority", report).and_then(|node| report.take(fields::text(node, "an authority")));
    let effective = fields.need("effective", report).and_then(|node| effective(node, report));
    let time_zone = fields.need("time_zone", report).and_then(|node| report.take(time_zone(node)));
    let calendar = fields.need("calendar", report).and_then(|node| named_calendar(node, sources, report, others));
    let name = name?;
    let (effective_from, open_cases) = effective?;
    Some(Head {
        title: title.unwrap_or(&name).to_owned(),
        name,
        authority: authority?.trim().to_owned(),
        effective_from,
        open_cases,
        time_zone: time_zone?,
        calendar: calendar?,
    })
}

/// What `disconnect` shuts off: what the policy names, else its packs, else the one service that it bills.
fn services(fields: &mut Fields<'_>, packs: &[Pack], report: &mut Report<'_>) -> Services {
    let list = |node: Option<&Node>, report: &mut Report<'_>| {
        node.map(|node| fields::words(node, "a service", Service::ALL, Service::word, report)).unwrap_or_default()
    };
    let billed = list(fields.need("services", report), report);
    let mut disconnects = list(fields.take("disconnects", report), report);
    if disconnects.is_empty() {
        disconnects = packs.iter().flat_map(|pack| pack.disconnects.iter().copied()).collect();
    }
    if let ([only], true) = (billed.as_slice(), disconnects.is_empty()) {
        disconnects = vec![*only];
    }
    Services { billed, disconnects }
}

fn effective(node: &Node, report: &mut Report<'_>) -> Option<(Day, OpenCases)> {
    let mut fields = Fields::of(node, "effective", report)?;
    let from = fields.need("from", report).and_then(|node| report.take(fields::date(node, "the first day")));
    let words = &[("keep", OpenCases::Keep), ("move", OpenCases::Move)];
    let cases = fields
        .take("open_cases", report)
        .map(|node| report.take(fields::word(node, "what happens to open cases", words, |(word, _)| word)));
    fields.done(report);
    let cases = match cases {
        None => OpenCases::Keep,
        Some(read) => read?.1,
    };
    Some((from?, cases))
}

fn time_zone(node: &Node) -> Result<String, Fault> {
    let text = fields::text(node, "a time zone")?;
    match text.parse::<chrono_tz::Tz>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(Fault::new(node.at, format!("`{text}` is not a time zone"))
            .near(text, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()))
            .expected("a name such as America/Los_Angeles")),
    }
}

/// The calendar's name, which is found and read, so that a broken one is told with the policy.
fn named_calendar(
    node: &Node,
    sources: &Sources,
    report: &mut Report<'_>,
    others: &mut Vec<RuleError>,
) -> Option<(String, Calendar)> {
    let name = report.take(fields::text(node, "a calendar"))?;
    let path = format!("calendars/{name}.yaml");
    let Some(text) = sources.get(&path) else {
        let known = || sources.names("calendars");
        let fault = Fault::new(node.at, format!("there is no calendar `{name}`")).near(name, known());
        report.add(fault.expected(one_of(known())));
        return None;
    };
    match calendar::load(text, &path) {
        Ok(calendar) => Some((name.to_owned(), calendar)),
        Err(RuleErrors(errors)) => {
            others.extend(errors);
            None
        }
    }
}

/// What the policy's hash is made of besides its own text.
struct HashParts(Sha256);

impl HashParts {
    fn add(&mut self, text: &str) {
        // The length first, so that no two lists of texts run together to the same bytes.
        self.0.update(text.len().to_be_bytes());
        self.0.update(text.as_bytes());
    }

    fn of_policy(mut self, sources: &Sources, file: &str) -> PolicyHash {
        self.add(sources.get(file).unwrap_or_default());
        PolicyHash::from(crate::domain::document::hex(&self.0.finalize()))
    }
}

/// The packs that the policy extends.
fn packs(
    node: Option<&Node>,
    sources: &Sources,
    origins: &mut Origins,
    report: &mut Report<'_>,
    others: &mut Vec<RuleError>,
) -> (Vec<Pack>, HashParts) {
    let mut parts = HashParts(Sha256::new());
    let mut packs = Vec::new();
    for item in node.map(Node::each).unwrap_or_default() {
        let Some(name) = report.take(fields::text(item, "a guard pack")) else { continue };
        let path = format!("guards/{name}.yaml");
        let Some(text) = sources.get(&path) else {
            let known = || sources.names("guards");
            let fault = Fault::new(item.at, format!("there is no guard pack `{name}`")).near(name, known());
            report.add(fault.expected(one_of(known())));
            continue;
        };
        parts.add(text);
        let mut pack_report = Report::new(&path, text);
        let root = document::parse(text, &mut pack_report);
        let pack = root.as_ref().and_then(|root| guards::pack(root, origins, &mut pack_report));
        others.extend(pack_report.into_errors());
        packs.extend(pack);
    }
    (packs, parts)
}

/// Numbers the packs' rules after the policy's own.
fn merge(packs: Vec<Pack>, from: Origins, into: &mut Origins) -> Vec<GuardDraft> {
    let shift = u32::try_from(into.0.len()).unwrap_or(u32::MAX);
    into.0.extend(from.0);
    let mut drafts: Vec<GuardDraft> = packs.into_iter().flat_map(|pack| pack.guards).collect();
    for draft in &mut drafts {
        draft.guard.rule.0 = draft.guard.rule.0.saturating_add(shift);
    }
    drafts
}

fn joined(draft: TrackDraft) -> super::policy::Track {
    let mut track = draft.track;
    track.stages = draft.stages.into_iter().map(|stage| stage.stage).collect();
    track
}
