//! The rules that ship, the policies of other cities, and every message of a rule that is refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use arrears::domain::action::{FeeAmount, FeeBase, ReconnectionLimits};
use arrears::domain::day::parse;
use arrears::domain::{Action, Calendar, Cents, EventKind, StageId};
use arrears::rulebook::policy::{Anchor, Cmp, Cond, DateRule, Fact, Limit, Offset, Opens, Unit, Value, When};
use arrears::rulebook::{self, Policy, RuleErrors, Sources, calendar};
use chrono::Weekday;
use proptest::prelude::*;
use rust_decimal::Decimal;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The files of a folder with that ending, by name, in order.
fn files(name: &str, ending: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder(name)).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == ending) {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    found
}

/// The policy of another city, with the calendars and packs that ship.
fn city(name: &str) -> (Sources, String) {
    let text = files("tests/policies", "yaml").remove(name).unwrap();
    (rulebook::shipped().with(name, text), name.to_owned())
}

fn loaded(name: &str) -> Policy {
    let (sources, file) = city(name);
    rulebook::load(&sources, &file).unwrap_or_else(|errors| panic!("{errors}"))
}

fn riverbend() -> Policy {
    rulebook::load(&rulebook::shipped(), "riverbend.yaml").unwrap_or_else(|errors| panic!("{errors}"))
}

fn federal() -> Calendar {
    calendar::named(&rulebook::shipped(), "us-federal").unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn every_policy_that_ships_and_every_policy_of_the_corpus_loads() {
    let sources = rulebook::shipped();
    for name in files("rules", "yaml").keys() {
        if let Err(errors) = rulebook::load(&sources, name) {
            panic!("{errors}");
        }
    }
    for name in files("tests/policies", "yaml").keys() {
        assert!(!loaded(name).stories.is_empty(), "{name} tells no story");
    }
}

#[test]
fn what_ships_is_what_stands_in_the_folder_of_rules() {
    let shipped: Vec<(String, String)> =
        rulebook::shipped().iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    let mut found: Vec<(String, String)> = files("rules", "yaml").into_iter().collect();
    for inner in ["calendars", "guards", "layouts"] {
        let in_folder = files(&format!("rules/{inner}"), "yaml");
        found.extend(in_folder.into_iter().map(|(name, text)| (format!("{inner}/{name}"), text)));
    }
    found.sort();
    assert_eq!(shipped, found);
}

#[test]
fn every_rule_of_riverbend_and_its_pack_names_its_law() {
    let policy = riverbend();
    for track in &policy.tracks {
        for stage in &track.stages {
            let origin = policy.origin(stage.rule).unwrap();
            assert_eq!(origin.file, "riverbend.yaml");
            assert_eq!(origin.name, format!("{}.{}", track.id, stage.id));
            assert!(!origin.citation.is_empty(), "{}", origin.name);
        }
    }
    for guard in &policy.guards {
        let origin = policy.origin(guard.rule).unwrap();
        assert_eq!(origin.file, "guards/us-ca-water.yaml");
        assert!(!origin.citation.is_empty(), "{}", origin.name);
    }
    assert_eq!(policy.guards.len(), 20);
}

#[test]
fn riverbend_shuts_off_no_earlier_than_three_days_that_it_names() {
    let policy = riverbend();
    let shut_off = policy.track(&"shut_off".into()).unwrap().stages.iter().find(|s| s.disconnects()).unwrap();
    let mailed = Anchor::Event(EventKind::NoticeMailed, Some("final_notice".into()));
    let days = |n| Offset { n, unit: Unit::Day, more_than: false };
    let expected = [
        When { offset: days(60), anchor: Anchor::Due },
        When { offset: days(15), anchor: mailed.clone() },
        When { offset: Offset { n: 7, unit: Unit::BusinessDay, more_than: false }, anchor: mailed },
    ];
    assert_eq!(shut_off.start, expected);
    assert_eq!(shut_off.only_if, Cond::Is(Fact::DebtAged(60), Cmp::Ge, Value::Money(Cents::new(6_000))));
    let services = vec![arrears::domain::Service::Water];
    assert_eq!(shut_off.acts, [Action::Disconnect { services, limit_only: false }]);
}

#[test]
fn the_hash_changes_with_the_policy_and_with_its_pack() {
    let sources = rulebook::shipped();
    let hash = |sources: &Sources| rulebook::load(sources, "riverbend.yaml").unwrap().hash;
    let with = |path: &str| {
        let text = format!("{}# a remark\n", sources.get(path).unwrap());
        sources.clone().with(path, text)
    };
    assert_eq!(hash(&sources), hash(&sources));
    assert_ne!(hash(&sources), hash(&with("riverbend.yaml")));
    assert_ne!(hash(&sources), hash(&with("guards/us-ca-water.yaml")));
}

#[test]
fn the_pack_reads_as_the_statute_does() {
    let policy = riverbend();
    let limits: Vec<&Limit> = policy.guards.iter().map(|guard| &guard.limit).collect();
    assert!(limits.contains(&&Limit::DebtAge { days: 60 }));
    let business = |n| Offset { n, unit: Unit::BusinessDay, more_than: false };
    assert!(limits.contains(&&Limit::ArrangementDefault { days: 60, posted: Some(business(5)) }));
    assert!(limits.contains(&&Limit::OccupantCopy { offset: business(7) }));
    let hours = |n| Offset { n, unit: Unit::Hour, more_than: false };
    assert!(limits.contains(&&Limit::Contact { contact: hours(24), posted: hours(48) }));
    let days = |n| Offset { n, unit: Unit::Day, more_than: false };
    assert!(limits.contains(&&Limit::TenantsTold { individually_metered: days(10), master_meter: days(15) }));
    let limited = ReconnectionLimits { in_hours: Cents::new(5_000), after_hours: Cents::new(15_000), of: 2021 };
    assert!(limits.contains(&&Limit::ReconnectionFee { limits: limited }));
    assert!(limits.contains(&&Limit::ToldHowToRestore));
}

#[test]
fn farmer_city_cuts_on_the_last_wednesday_more_than_seven_days_after_mailing() {
    let policy = loaded("79-farmer-city.yaml");
    let shut_off = &policy.tracks[0].stages[1];
    assert_eq!(shut_off.on, Some(DateRule::NthWeekday(-1, Weekday::Wed)));
    assert_eq!(shut_off.start[0].offset, Offset { n: 7, unit: Unit::Day, more_than: true });
    assert!(policy.stories[2].expect.is_empty());
    assert_eq!(policy.stories[1].facts.mailed.get(&StageId::from("notice")), parse("2026-04-22").as_ref());
}

#[test]
fn savannah_adds_the_greater_of_five_dollars_and_ten_percent() {
    let policy = loaded("44-savannah.yaml");
    let Action::Fee(fee) = &policy.tracks[0].stages[0].acts[0] else { panic!("a fee") };
    let share = FeeAmount::Percent(Decimal::TEN, FeeBase::UnpaidCharges);
    assert_eq!(fee.amount, FeeAmount::GreaterOf(vec![FeeAmount::Flat(Cents::new(500)), share]));
    assert_eq!(policy.stories[0].expect[0].1[0].fee, Some(Cents::new(1_800)));
}

#[test]
fn a_default_on_an_arrangement_opens_a_track_of_its_own() {
    let policy = loaded("14-ca-hsc-116908.yaml");
    assert_eq!(policy.tracks[1].opens, Opens::On(EventKind::InstallmentMissed));
    let story = &policy.stories[1];
    assert_eq!(story.facts.events, [(parse("2026-06-01").unwrap(), EventKind::InstallmentMissed)]);
}

/// The policy of a city put under the California pack.
fn under_the_pack(name: &str) -> RuleErrors {
    let (sources, file) = city(name);
    let text = sources.get(&file).unwrap().replace("services:", "extends: [us-ca-water]\nservices:");
    rulebook::load(&sources.with(&file, text), &file).unwrap_err()
}

#[test]
fn a_guard_of_48_hours_is_met_by_three_days_of_the_policy_and_not_by_two() {
    const PACK: &str = "
pack: us-xx-water
authority: Code of Xx 1-100
applies: {service: water, classes: [residential]}
guards:
  notice: {notice: 48 hours before disconnect, by: [posting], from: mailed, cite: 1-101}
";
    let under = |wait: &str| {
        let text = format!(
            "
policy: test
authority: Test Code 1
effective: {{from: 2026-01-01}}
time_zone: America/Los_Angeles
calendar: us-federal
services: [water]
disconnects: [water]
extends: [us-xx-water]
tracks:
  nonpayment:
    stages:
      tag: {{start: 30 days after due, do: {{tag: shut_off_tag, statutory: yes}}, cite: Test Code 2}}
      shut_off: {{start: {wait} after tag posted, do: disconnect, cite: Test Code 3}}
"
        );
        rulebook::load(&rulebook::shipped().with("guards/us-xx-water.yaml", PACK).with("p.yaml", text), "p.yaml")
    };
    for short in ["48 hours", "2 days"] {
        let refused = under(short).unwrap_err().to_string();
        assert!(refused.contains("nothing here keeps `shut_off` until 48 hours after `tag` went out"), "{refused}");
        assert!(refused.contains("add `3 days after tag mailed`"), "{refused}");
    }
    assert!(under("3 days").is_ok());
}

#[test]
fn livingston_under_the_california_pack_is_refused_and_both_lines_are_named() {
    let errors = under_the_pack("04-livingston.yaml");
    let young = errors.0.iter().find(|error| error.message.contains("39 days past due")).unwrap();
    assert_eq!(young.place.excerpt.trim(), "start: 60 days after billed");
    let (caption, law) = young.also.as_ref().unwrap();
    assert_eq!(caption, "the limit of us-ca-water, Health and Safety Code 116908(a)(1)(A):");
    assert_eq!((law.file.as_str(), law.excerpt.trim()), ("guards/us-ca-water.yaml", "sixty_days:"));
}

#[test]
fn lodi_under_the_california_pack_is_refused_and_both_lines_are_named() {
    let errors = under_the_pack("15-lodi.yaml");
    let young = errors.0.iter().find(|error| error.message.contains("20 days past due")).unwrap();
    assert_eq!(young.place.excerpt.trim(), "shut_off: {start: 46 days after billed, do: disconnect}");
    assert_eq!(young.also.as_ref().unwrap().1.excerpt.trim(), "sixty_days:");
}

#[test]
fn the_federal_calendar_knows_the_holidays_of_2026() {
    let calendar = federal();
    let of_2026: Vec<String> =
        calendar.holidays.keys().map(ToString::to_string).filter(|day| day.starts_with("2026")).collect();
    let expected = [
        "2026-01-01",
        "2026-01-19",
        "2026-02-16",
        "2026-05-25",
        "2026-06-19",
        "2026-07-03",
        "2026-09-07",
        "2026-10-12",
        "2026-11-11",
        "2026-11-26",
        "2026-12-25",
    ];
    assert_eq!(of_2026, expected);
    assert!(calendar.is_business_day(parse("2020-06-19").unwrap()), "Juneteenth began in 2021");
}

/// Riverbend's policy with a part of it cut out and a piece put in its place.
fn mangled() -> impl Strategy<Value = String> {
    let text = rulebook::shipped().get("riverbend.yaml").unwrap_or_default().to_owned();
    let pieces = prop_oneof![
        "\\PC{0,8}",
        Just("\t".to_owned()),
        Just("\n".to_owned()),
        Just(": ".to_owned()),
        Just("{".to_owned()),
        Just("9999 ".to_owned()),
        Just("\u{0}".to_owned()),
        Just("é".to_owned()),
        Just("\"\\x1b\"".to_owned()),
    ];
    (0..text.len(), 0..40_usize, pieces).prop_map(move |(from, length, piece)| {
        let (from, to) = (text.floor_char_boundary(from), text.floor_char_boundary(from + length));
        format!("{}{piece}{}", &text[..from], &text[to..])
    })
}

proptest! {
    #[test]
    fn no_text_makes_the_rulebook_panic(text in prop_oneof![mangled(), mangled(), "\\PC{0,200}"]) {
        let sources = rulebook::shipped().with("p.yaml", text.as_str()).with("guards/us-ca-water.yaml", text.as_str());
        for file in ["p.yaml", "riverbend.yaml"] {
            if let Err(errors) = rulebook::load(&sources, file) {
                prop_assert!(!errors.0.is_empty());
                prop_assert!(errors.to_string().chars().all(|c| c == '\n' || !c.is_control()));
            }
        }
        if let Err(errors) = calendar::load(&text, "c.yaml") {
            prop_assert!(!errors.0.is_empty());
        }
    }
}

#[test]
fn a_file_that_is_not_there_is_named_with_the_nearest_that_is() {
    let errors = rulebook::load(&rulebook::shipped(), "riverbed.yaml").unwrap_err();
    assert_eq!(errors.0[0].nearest.as_deref(), Some("riverbend.yaml"));
    assert!(errors.to_string().contains("did you mean `riverbend.yaml`?"), "{errors}");
}

#[test]
fn every_refused_rule_is_told_as_the_golden_file_says() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let cases = files("tests/rule_errors", "yaml");
    assert!(cases.len() >= 20);
    for (name, text) in cases {
        let golden = folder("tests/rule_errors").join(&name).with_extension("txt");
        let told = if text.starts_with("calendar:") {
            calendar::load(&text, &name).map(|_| ())
        } else {
            rulebook::load(&rulebook::shipped().with(&name, text), &name).map(|_| ())
        };
        let Err(told) = told else { panic!("{name} is not refused") };
        let told = format!("{told}\n");
        if update {
            fs::write(&golden, &told).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(told, expected, "{name}: run with UPDATE_GOLDEN=1 and read what changed");
    }
}

/// The calendar that a policy names, from those that ship.
fn calendar_of(policy: &Policy) -> Calendar {
    let path = format!("calendars/{}.yaml", policy.calendar);
    calendar::load(rulebook::shipped().get(&path).unwrap(), &path).unwrap()
}

fn play_all(policy: &Policy) -> Vec<String> {
    let calendar = calendar_of(policy);
    let mut differences = Vec::new();
    for story in &policy.stories {
        match arrears::rehearsal::play(policy, &calendar, story) {
            Ok(found) => differences.extend(found.iter().map(ToString::to_string)),
            Err(refusal) => differences.push(format!("{}: {refusal}", story.name)),
        }
    }
    differences
}

#[test]
fn the_stories_of_every_policy_come_out_on_the_real_engine() {
    let sources = rulebook::shipped();
    let mut policies: Vec<Policy> =
        files("rules", "yaml").keys().map(|name| rulebook::load(&sources, name).unwrap()).collect();
    policies.extend(files("tests/policies", "yaml").keys().map(|name| loaded(name)));
    let mut differences = Vec::new();
    for policy in &policies {
        assert!(!policy.stories.is_empty(), "{} has no story", policy.name);
        differences.extend(play_all(policy).into_iter().map(|line| format!("{}: {line}", policy.name)));
    }
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

/// The fenced examples of the language's page: what each is, its first line, its text.
fn examples() -> Vec<(String, usize, String)> {
    let page = fs::read_to_string(folder("docs/POLICY-LANGUAGE.md")).unwrap();
    let mut found = Vec::new();
    let mut open: Option<(String, usize, String)> = None;
    for (index, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(_), Some(example)) => found.push(example),
            (Some(info), None) => open = Some((info.to_owned(), index + 2, String::new())),
            (None, Some((info, first, text))) => open = Some((info, first, format!("{text}{line}\n"))),
            (None, None) => {}
        }
    }
    found
}

const BASE: &str = "policy: base
authority: Base Code
effective: {from: 2026-01-01}
time_zone: America/Chicago
calendar: us-federal
services: [water]
";

/// Stages that the examples of stages refer to.
const STAGES: [(&str, &str); 2] = [
    ("final_notice:", "      final_notice: {start: 30 days after due, do: {notice: final_notice, by: mail}}\n"),
    ("shut_off:", "      shut_off: {start: 15 days after final_notice mailed, do: disconnect, cite: 1}\n"),
];

/// A policy with these stages, and those above that are not among them.
fn with_stages(stages: &str) -> String {
    let indented: String = stages.lines().flat_map(|line| ["      ", line, "\n"]).collect();
    let others: String = STAGES
        .iter()
        .filter(|(name, _)| !stages.lines().any(|line| line.starts_with(name)))
        .map(|(_, stage)| *stage)
        .collect();
    format!("{BASE}tracks:\n  nonpayment:\n    stages:\n{indented}{others}")
}

/// A policy with these parts, and tracks where they are not among them.
fn with_parts(parts: &str) -> String {
    if parts.contains("tracks:\n") {
        return format!("{BASE}{parts}");
    }
    format!("{}{parts}", with_stages(""))
}

#[test]
fn every_example_of_the_languages_page_loads() {
    let examples = examples();
    assert!(examples.len() >= 10);
    for (info, line, text) in examples {
        let sources = rulebook::shipped();
        let place = format!("POLICY-LANGUAGE.md:{line}");
        let told = match info.as_str() {
            "yaml policy" => rulebook::load(&sources.with("p.yaml", text), "p.yaml").map(|_| ()),
            "yaml part" => rulebook::load(&sources.with("p.yaml", with_parts(&text)), "p.yaml").map(|_| ()),
            "yaml stage" => rulebook::load(&sources.with("p.yaml", with_stages(&text)), "p.yaml").map(|_| ()),
            "yaml pack" => {
                let policy = format!("{}extends: us-xx-water\n", with_stages(""));
                let sources = sources.with("guards/us-xx-water.yaml", text).with("p.yaml", policy);
                // The small policy breaks the pack; the pack itself is read without an error.
                let errors = rulebook::load(&sources, "p.yaml").map(|_| ()).unwrap_err();
                let of_pack: Vec<_> = errors.0.into_iter().filter(|error| error.place.file != "p.yaml").collect();
                if of_pack.is_empty() { Ok(()) } else { Err(RuleErrors(of_pack)) }
            }
            "yaml layout" => {
                let part = "referral: {limitation: 2 years, limitation_cite: 1, to: [agency], layouts: {agency: l}}\n";
                let sources = sources.with("layouts/l.yaml", text).with("p.yaml", with_parts(part));
                rulebook::load(&sources, "p.yaml").map(|_| ())
            }
            "yaml calendar" => calendar::load(&text, "c.yaml").map(|_| ()),
            other => panic!("{place}: an example of {other:?} is not loaded by any test"),
        };
        if let Err(errors) = told {
            panic!("{place}\n{errors}");
        }
    }
}
