//! The walls of the house: which room may use which, where SQL and typst stand, and how long a file may be.
//!
//! `docs/ARCHITECTURE.md` draws the same walls. Whoever needs a door that is not here changes both, with a reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each room with the rooms that it may use, from the inside out. `main` is the program itself.
const ROOMS: &[(&str, &[&str])] = &[
    // The pure core: no clock, no chance, no file, no database.
    ("domain", &[]),
    ("rulebook", &["domain"]),
    ("decide", &["domain", "rulebook"]),
    ("audit", &["domain", "rulebook"]),
    ("allocate", &["domain", "rulebook"]),
    ("report", &["domain"]),
    // Decision and audit together, on one account in memory.
    ("rehearsal", &["domain", "rulebook", "decide", "audit"]),
    // What each does one thing with the world.
    ("clock", &[]),
    ("config", &["domain"]),
    ("typeset", &["domain"]),
    ("ingest", &["domain"]),
    ("store", &["audit", "domain", "rulebook"]),
    ("backup", &["domain"]),
    ("notices", &["domain", "config", "typeset"]),
    ("referral", &["domain", "typeset"]),
    // Where they meet.
    (
        "office",
        &[
            "allocate",
            "audit",
            "backup",
            "clock",
            "config",
            "decide",
            "domain",
            "ingest",
            "notices",
            "referral",
            "rehearsal",
            "rulebook",
            "store",
            "typeset",
        ],
    ),
    // Who comes to the office.
    ("worker", &["domain", "notices", "office"]),
    ("web", &["domain", "office", "store"]),
    ("demo", &["clock", "config", "domain", "ingest", "notices", "office", "report", "store"]),
    ("bench", &["clock", "config", "demo", "domain", "notices", "office", "store", "typeset"]),
    (
        "cli",
        &[
            "bench",
            "clock",
            "config",
            "demo",
            "domain",
            "notices",
            "office",
            "rehearsal",
            "report",
            "store",
            "web",
            "worker",
        ],
    ),
    ("main", &["cli"]),
];

/// Libraries that stand in few rooms, so that they can be exchanged there.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("sqlx", &["store"]),
    ("typst", &["typeset"]),
    ("typst_layout", &["typeset"]),
    ("typst_pdf", &["typeset"]),
    ("typst_kit", &["typeset"]),
    ("hayro_syntax", &["typeset"]),
    // The console shows kept emails; its tests write some.
    ("lettre", &["notices", "web"]),
    ("mail_parser", &["notices"]),
    ("pulldown_cmark", &["notices"]),
    ("tera", &["notices", "web"]),
    ("zip", &["backup", "referral"]),
    ("granit_parser", &["rulebook"]),
    ("argon2", &["office"]),
    ("axum", &["web"]),
    ("axum_extra", &["web"]),
    ("hyper_util", &["web"]),
    ("tower_http", &["web"]),
    ("cron", &["config", "worker"]),
    ("rand", &["cli", "web"]),
    ("uuid", &["cli"]),
    ("clap", &["cli", "main"]),
    ("indicatif", &["cli"]),
    ("console", &["cli"]),
];

/// Rooms whose answers depend on nothing but what they are given.
const PURE: &[&str] = &["domain", "rulebook", "decide", "audit", "allocate", "report", "rehearsal", "referral"];

/// What a pure room does not name.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::time::Instant",
    "std::time::SystemTime",
    "Utc::now",
    "Local::now",
    "tokio::",
    "tracing::",
    "async fn",
    ".await",
    "HashMap",
    "HashSet",
];

/// Rooms that reckon money and days: no float comes near them.
const EXACT: &[&str] =
    &["domain", "rulebook", "decide", "audit", "allocate", "report", "rehearsal", "referral", "store", "office"];

/// The most lines of a file in `src`, its unit tests aside.
const LINES: usize = 400;

/// Files that are longer, each with the reason why it is not two.
const LONGER: &[(&str, &str)] = &[
    ("src/audit/tests.rs", "tests alone, of one small city that stands at the top"),
    ("src/domain/ledger.rs", "the replay of a ledger, with the types that it gives"),
    ("src/rehearsal/account.rs", "one account, and each thing that can happen to it"),
    ("src/rulebook/policy.rs", "types without behavior: the whole of what a policy can say, read as one table"),
    ("src/store/backend/commit.rs", "one transaction, in the order in which it writes"),
    ("src/store/backend/ledger.rs", "entries: read, posted and undone by one set of columns, and the watermarks"),
    ("src/web/pages/account.rs", "one page; its parts are lists of what stands with an account"),
];

/// A line of the source, without its comment.
struct Line {
    room: String,
    place: String,
    code: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_under(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The sources of a top-level folder, by their path from the root, in order.
fn sources(folder: &str) -> BTreeMap<String, String> {
    let mut found = Vec::new();
    files_under(&root().join(folder), &mut found);
    let named = found.into_iter().map(|path| {
        let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
        (name, fs::read_to_string(path).unwrap())
    });
    named.collect()
}

/// `src/store/mod.rs` and `src/store.rs` are of the room `store`.
fn room_of(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap();
    inside.split('/').next().unwrap().trim_end_matches(".rs")
}

fn lines() -> Vec<Line> {
    let mut lines = Vec::new();
    for (path, text) in sources("src") {
        if path == "src/lib.rs" {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            // Two slashes inside a string cut the line short, which can hide only what follows on it.
            let code = line.split("//").next().unwrap_or_default();
            if !code.trim().is_empty() {
                let place = format!("{path}:{}", number + 1);
                lines.push(Line { room: room_of(&path).to_owned(), place, code: code.to_owned() });
            }
        }
    }
    lines
}

/// The words that follow a prefix in a line: `crate::` in `use crate::store::Store;` gives `store`. The prefix counts
/// only where no word and no path runs into it.
fn words_after<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let starts = code.match_indices(prefix).filter(|(at, _)| {
        let before = code[..*at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    });
    starts
        .map(|(at, _)| {
            let rest = &code[at + prefix.len()..];
            &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())]
        })
        .collect()
}

#[track_caller]
fn none(what_is_wrong: &str, found: &[String]) {
    assert!(found.is_empty(), "{what_is_wrong}\n  {}\n", found.join("\n  "));
}

#[test]
fn every_room_has_its_place_in_the_house() {
    let known: BTreeSet<String> = ROOMS.iter().map(|(room, _)| (*room).to_owned()).collect();
    let built: BTreeSet<String> =
        sources("src").keys().filter(|path| *path != "src/lib.rs").map(|path| room_of(path).to_owned()).collect();
    assert_eq!(built, known);
}

#[test]
fn a_room_uses_only_the_rooms_that_it_may() {
    let allowed: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let mut wrong = Vec::new();
    for line in lines() {
        let used = words_after(&line.code, "crate::").into_iter().chain(words_after(&line.code, "arrears::"));
        for used in used {
            // A name in braces is not read here, so that it could slip through.
            let is_unread = used.is_empty();
            let is_room = allowed.contains_key(used);
            if is_unread || (is_room && used != line.room && !allowed[line.room.as_str()].contains(&used)) {
                let used = if is_unread { "several rooms in one line: a line each" } else { used };
                wrong.push(format!("{}: {} uses {used}", line.place, line.room));
            }
        }
    }
    none("A room may not use another that lies beside it or further out.", &wrong);
}

#[test]
fn the_rooms_form_no_circle() {
    let mut stood = BTreeSet::new();
    for (room, uses) in ROOMS {
        for used in *uses {
            assert!(stood.contains(used), "{room} uses {used}, which stands further out");
        }
        stood.insert(*room);
    }
}

#[test]
fn decision_audit_and_allocation_know_nothing_of_one_another() {
    let allowed: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    for group in [&["decide", "audit", "allocate"], &["store", "notices", "referral"]] {
        for room in group {
            for other in group {
                assert!(!allowed[room].contains(other), "{room} must not use {other}");
            }
        }
    }
    assert_eq!(allowed["domain"], [""; 0]);
    assert_eq!(allowed["rulebook"], ["domain"]);
}

#[test]
fn a_library_stays_in_its_room() {
    let mut wrong = Vec::new();
    for line in lines() {
        for (library, rooms) in LIBRARIES {
            if !rooms.contains(&line.room.as_str()) && !words_after(&line.code, &format!("{library}::")).is_empty() {
                wrong.push(format!("{}: {library} belongs in {}", line.place, rooms.join(" and ")));
            }
        }
    }
    none("A library is used outside its room.", &wrong);
}

#[test]
fn the_core_reads_no_clock_no_file_and_no_network() {
    let mut wrong = Vec::new();
    for line in lines().iter().filter(|line| PURE.contains(&line.room.as_str())) {
        for word in IMPURE.iter().filter(|word| line.code.contains(**word)) {
            wrong.push(format!("{}: {word}", line.place));
        }
    }
    none("A pure room is given what it needs, and its order never depends on a hash.", &wrong);
}

#[test]
fn no_float_comes_near_money() {
    let mut wrong = Vec::new();
    for line in lines().iter().filter(|line| EXACT.contains(&line.room.as_str())) {
        let mut words = line.code.split(|c: char| !c.is_alphanumeric() && c != '_');
        if words.any(|word| word == "f64" || word == "f32") {
            wrong.push(line.place.clone());
        }
    }
    none("Money is whole cents, and rates are decimals.", &wrong);
}

#[test]
fn a_decision_reaches_the_store_only_through_the_audit() {
    let mut wrong = Vec::new();
    // `Commit` is made of a `Cleared` alone, which has no other maker in the program than the audit.
    for line in lines().into_iter().filter(|line| line.code.contains("unaudited(")) {
        if !line.code.contains("pub const fn unaudited(") {
            wrong.push(line.place);
        }
    }
    none("Only what the audit cleared is committed.", &wrong);
}

#[test]
fn nothing_goes_out_without_a_second_look() {
    let mut wrong = Vec::new();
    // A `Permit` has no other maker in the program than `reexamine`.
    for line in lines().into_iter().filter(|line| line.code.contains("unexamined(")) {
        if !line.code.contains("pub const fn unexamined(") {
            wrong.push(line.place);
        }
    }
    none("Leave to carry something out comes from the second look alone.", &wrong);
    let store = fs::read_to_string(root().join("src/store/mod.rs")).unwrap();
    for step in [
        "release_notices",
        "release_call_list",
        "make_batch",
        "emails_leave",
        "approve_orders",
        "finalize_orders",
        "dispatch_orders",
        "approve_referral",
        "make_export",
    ] {
        let declared = store.lines().find(|line| line.contains(&format!("fn {step}("))).unwrap();
        assert!(declared.contains("Permitted<"), "{step} takes no leave");
    }
}

#[test]
fn a_file_is_one_idea() {
    let mut wrong = Vec::new();
    let mut longer: BTreeMap<&str, &str> = LONGER.iter().copied().collect();
    for (path, text) in sources("src") {
        let lines: Vec<&str> = text.lines().collect();
        let tests = lines.windows(2).position(|two| two[0] == "#[cfg(test)]" && two[1].starts_with("mod "));
        let length = tests.unwrap_or(lines.len());
        if length > LINES && longer.remove(path.as_str()).is_none() {
            wrong.push(format!("{path}: {length} lines besides its tests, and {LINES} are the most"));
        }
    }
    none("Part it, or name the reason why it is one.", &wrong);
    assert!(longer.is_empty(), "these are short by now, and need no exception: {:?}", longer.keys());
}

#[test]
fn nothing_is_left_half_done() {
    let mut wrong = Vec::new();
    let unfinished = ["todo", "unimplemented", "dbg"].map(|word| format!("{word}!("));
    let notes = ["TO", "FIX"].map(|word| format!("{word}{}", if word == "TO" { "DO" } else { "ME" }));
    for (path, text) in sources("src").into_iter().chain(sources("tests")) {
        for (number, line) in text.lines().enumerate() {
            let is_note = line.split(|c: char| !c.is_alphanumeric()).any(|word| notes.iter().any(|note| note == word));
            if is_note || unfinished.iter().any(|word| line.contains(word.as_str())) {
                wrong.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    none("What is missing is refused by name in the program and stands in docs/ROADMAP.md.", &wrong);
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> =
        sources("src").into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(path, _)| path).collect();
    none("A file begins with what it is for.", &silent);
}
