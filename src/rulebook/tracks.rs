//! Tracks and their stages, read together with the places that later checks point at.

use std::collections::BTreeSet;

use crate::domain::{EventKind, Role, Service, TrackId};

use super::actions::{self, Defaults};
use super::condition;
use super::day_rules;
use super::document::{Entry, Node, Value};
use super::error::{Fault, Report, Span};
use super::fields::{self, Fields};
use super::origins::Origins;
use super::phrase;
use super::policy::{Cond, End, Expiry, Opens, Per, Reanchor, Stage, Track};
use super::settings::citation;
use super::tokens::Phrase;

/// A track with the places of its parts.
#[derive(Debug)]
pub(super) struct TrackDraft {
    /// Without its stages, which are beside it until all checks are done.
    pub track: Track,
    pub stages: Vec<StageDraft>,
}

/// A stage with the places of its parts.
#[derive(Debug)]
pub(super) struct StageDraft {
    pub stage: Stage,
    /// Of its name.
    pub at: Span,
    pub starts: Vec<Span>,
    pub leads: Vec<Span>,
    pub acts: Vec<Span>,
    /// Of `end:`.
    pub end: Span,
    pub cited: bool,
}

/// More stages than any ordinance has.
const MOST_STAGES: usize = 100;

const PER: &[(&str, Per)] = &[("account", Per::Account), ("bill", Per::Bill), ("year", Per::Year)];
const REANCHOR: &[(&str, Reanchor)] =
    &[("keep", Reanchor::Keep), ("restart", Reanchor::Restart), ("close", Reanchor::Close)];

/// All tracks, in the order of the file.
pub(super) fn tracks(
    node: &Node,
    disconnects: &[Service],
    origins: &mut Origins,
    report: &mut Report<'_>,
) -> Vec<TrackDraft> {
    let Some(entries) = fields::entries(node, "tracks", report) else { return Vec::new() };
    if entries.is_empty() {
        report.add(Fault::new(node.at, "a policy has at least one track"));
    }
    entries.iter().filter_map(|entry| track(entry, disconnects, origins, report)).collect()
}

fn track(entry: &Entry, disconnects: &[Service], origins: &mut Origins, report: &mut Report<'_>) -> Option<TrackDraft> {
    report.take(fields::name(&entry.key, entry.at, "a track"));
    let mut fields = Fields::of(&entry.value, format!("the track `{}`", entry.key), report)?;
    let per = pick(&mut fields, "per", "what a track is run for", PER, report).unwrap_or(Per::Account);
    let opens = fields.take("opens", report).and_then(|node| opens(node, report)).unwrap_or(Opens::Arrears);
    let when_anchor_paid =
        pick(&mut fields, "when_anchor_paid", "what follows when the first bill is paid", REANCHOR, report)
            .unwrap_or(Reanchor::Restart);
    let counts: BTreeSet<Service> = fields
        .take("counts", report)
        .map(|node| fields::words(node, "a service", Service::ALL, Service::word, report).into_iter().collect())
        .unwrap_or_default();
    let names = stage_names(fields.take("stages", report));
    let only_if = fields.take("if", report).and_then(|node| condition::parse(node, &names, report));
    let stages_node = fields.need("stages", report);
    let citation = citation(&mut fields, report);
    fields.done(report);

    let rule = origins.add(report.file, entry.at, entry.key.clone(), citation.clone());
    let context = Context { track: &entry.key, names: &names, disconnects, citation: &citation };
    let mut stages = Vec::new();
    if let Some(node) = stages_node
        && let Some(entries) = fields::entries(node, "stages", report)
    {
        if entries.is_empty() {
            report.add(Fault::new(node.at, "a track has at least one stage"));
        }
        if entries.len() > MOST_STAGES {
            report.add(Fault::new(entry.at, format!("a track has at most {MOST_STAGES} stages")));
            return None;
        }
        stages.extend(entries.iter().filter_map(|entry| stage(entry, context, origins, report)));
    }
    let track = Track {
        id: TrackId::from(entry.key.as_str()),
        rule,
        per,
        opens,
        when_anchor_paid,
        only_if: only_if.unwrap_or(Cond::Always),
        counts,
        stages: Vec::new(),
    };
    Some(TrackDraft { track, stages })
}

/// The names of a track's stages, which its phrases may use before they are read.
fn stage_names(node: Option<&Node>) -> Vec<String> {
    match node.map(|node| &node.value) {
        Some(Value::Map(entries)) => entries.iter().map(|entry| entry.key.clone()).collect(),
        Some(Value::Empty | Value::Text(_) | Value::List(_)) | None => Vec::new(),
    }
}

/// What a stage can see of its track.
#[derive(Clone, Copy)]
struct Context<'a> {
    track: &'a str,
    names: &'a [String],
    disconnects: &'a [Service],
    /// The track's citation, which its stages inherit.
    citation: &'a str,
}

fn stage(entry: &Entry, context: Context<'_>, origins: &mut Origins, report: &mut Report<'_>) -> Option<StageDraft> {
    let Context { track, names, disconnects, .. } = context;
    report.take(fields::name(&entry.key, entry.at, "a stage"));
    if phrase::RESERVED.contains(&entry.key.as_str()) {
        let fault = Fault::new(entry.at, format!("a stage cannot be called `{}`", entry.key));
        report.add(fault.help("the word has a meaning of its own in phrases such as `60 days after due`"));
    }
    let mut fields = Fields::of(&entry.value, format!("the stage `{}`", entry.key), report)?;
    let (start, starts) = placed(fields.take("start", report), report, |node| phrase::when(node, names));
    let (leads, lead_places) = placed(fields.take("lead", report), report, |node| phrase::lead(node, names));
    let on = fields.take("on", report).and_then(|node| report.take(day_rules::date_rule(node)));
    let never = fields
        .take("never", report)
        .map(|node| fields::words(node, "a kind of day", day_rules::DAY_KINDS, day_rules::day_kind_word, report))
        .unwrap_or_default();
    let only_if = fields.take("if", report).and_then(|node| condition::parse(node, names, report));
    let end_node = fields.take("end", report);
    let end_place = end_node.map_or(entry.at, |node| node.at);
    let end = end_node.and_then(|node| end(node, names, report));
    let every = fields.take("every", report).and_then(|node| report.take(phrase::distance(node)));
    let release = fields
        .take("release", report)
        .and_then(|node| report.take(fields::word(node, "a role", Role::ALL, Role::word)));
    let waive_if = fields.take("waive", report).and_then(|node| {
        let mut fields = Fields::of(node, "a waiver", report)?;
        let cond = fields.need("if", report).and_then(|node| condition::parse(node, names, report));
        fields.done(report);
        cond
    });
    let defaults = Defaults { disconnects, stage: &entry.key };
    let acts = fields.need("do", report).map(|node| actions::acts(node, defaults, report)).unwrap_or_default();
    let own_citation = citation(&mut fields, report);
    let has_time = ["start", "lead", "on"].iter().any(|key| fields.has(key));
    let has_cite = fields.has("cite");
    // A misspelled key has been told, and may be the one that is missing.
    let spelled = fields.done(report);
    if !has_time && spelled {
        let fault = Fault::new(entry.at, format!("nothing says when `{}` happens", entry.key)).expected(
            "`start: 60 days after due`, `lead: 7 business days before` a later stage, or `on: third wednesday`",
        );
        report.add(fault);
    }
    let citation = if own_citation.is_empty() { context.citation.to_owned() } else { own_citation };
    let cited = has_cite || !spelled || !citation.is_empty();
    let rule = origins.add(report.file, entry.at, format!("{track}.{}", entry.key), citation);
    let (acts, act_places) = acts.into_iter().unzip();
    let stage = Stage {
        id: entry.key.as_str().into(),
        rule,
        start,
        leads,
        on,
        never: never.into_iter().collect(),
        only_if: only_if.unwrap_or(Cond::Always),
        end,
        every,
        release,
        waive_if,
        acts,
    };
    Some(StageDraft { stage, at: entry.at, starts, leads: lead_places, acts: act_places, end: end_place, cited })
}

/// One value or a list of them, each with its place.
fn placed<T>(
    node: Option<&Node>,
    report: &mut Report<'_>,
    read: impl Fn(&Node) -> Result<T, Fault>,
) -> (Vec<T>, Vec<Span>) {
    let items = node.map(Node::each).unwrap_or_default();
    items.iter().filter_map(|item| report.take(read(item)).map(|value| (value, item.at))).unzip()
}

fn opens(node: &Node, report: &mut Report<'_>) -> Option<Opens> {
    if matches!(&node.value, Value::Text(text) if text == "arrears") {
        return Some(Opens::Arrears);
    }
    report.take(fields::word(node, "what opens a track", EventKind::ALL, EventKind::word)).map(Opens::On)
}

/// `{on: 21 days after delinquent mailed, then: restart delinquent}`.
fn end(node: &Node, names: &[String], report: &mut Report<'_>) -> Option<End> {
    let mut fields = Fields::of(node, "an end", report)?;
    let last = fields.need("on", report).and_then(|node| report.take(phrase::when(node, names)));
    let then = match fields.take("then", report) {
        None => Some(Expiry::Lapse),
        Some(node) => {
            let parsed = Phrase::of(node, "what follows").and_then(|mut phrase| expiry(&mut phrase, names));
            report.take(parsed)
        }
    };
    fields.done(report);
    Some(End { last: last?, then: then? })
}

fn expiry(phrase: &mut Phrase<'_>, names: &[String]) -> Result<Expiry, Fault> {
    let at = phrase.here();
    let then = if phrase.eat("restart") {
        Expiry::Restart(phrase::stage(phrase, names)?)
    } else if phrase.eat("lapse") {
        Expiry::Lapse
    } else if phrase.eat("exception") {
        Expiry::Exception
    } else {
        let written = phrase.rest();
        return Err(Fault::new(at, format!("`{written}` is nothing that follows an end"))
            .near(&written, ["restart", "lapse", "exception"])
            .expected("`restart` and a stage, `lapse` or `exception`"));
    };
    phrase.end()?;
    Ok(then)
}

fn pick<T: Copy>(
    fields: &mut Fields<'_>,
    key: &'static str,
    what: &str,
    all: &'static [(&'static str, T)],
    report: &mut Report<'_>,
) -> Option<T> {
    let node = fields.take(key, report)?;
    report.take(fields::word(node, what, all, |(word, _)| word)).map(|(_, value)| value)
}
