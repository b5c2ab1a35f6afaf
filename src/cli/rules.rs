//! `rules`: policies are checked, tested by their own stories, adopted, shown.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Subcommand;
use serde::Serialize;

use super::args::{By, Json, date};
use super::exit::counted;
use super::table::{Column, Table};
use super::{Answer, Desk, Exit, Failure, Result};
use crate::domain::{Day, PolicyHash, day};
use crate::office::{Duty, Rules as RuleSet, read_policy};
use crate::rehearsal::play;

/// How much of a policy's hash is shown to people.
const SHORT_HASH: usize = 12;

#[derive(Debug, Subcommand)]
pub enum Rules {
    /// Check policy files: every error with its place
    Check {
        /// A file, or the name of a policy that ships with the program: riverbend
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Play the stories that stand in policy files, and say where they come out differently
    Test {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Adopt a policy: only adopted versions act. One whose own stories come out differently is refused
    Adopt {
        /// A file, or the name of a policy that ships with the program: riverbend
        file: PathBuf,
        /// From this day; the policy's own effective date where absent
        #[arg(long, value_name = "DATE", value_parser = date)]
        effective: Option<Day>,
        #[command(flatten)]
        by: By,
    },
    /// Every policy that was adopted
    List {
        #[command(flatten)]
        json: Json,
    },
    /// The text of the policy in force
    Show {
        /// On this day; today where absent
        #[arg(long, value_name = "DATE", value_parser = date)]
        on: Option<Day>,
    },
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the names of the answer in JSON")]
struct Adopted {
    hash: PolicyHash,
    name: String,
    effective_on: Day,
    adopted_by: String,
    adopted_at: chrono::DateTime<chrono::Utc>,
    in_force: bool,
}

impl Rules {
    pub async fn run(self, desk: &Desk) -> Result {
        match self {
            Self::Check { files } => Ok(each(&files, |rules| {
                let policy = &rules.policy;
                let stages: usize = policy.tracks.iter().map(|track| track.stages.len()).sum();
                let unguarded = if policy.guards.is_empty() {
                    "\n  It extends no guard pack, so that no limit of law is checked: `extends: [us-ca-water]` for California"
                } else {
                    ""
                };
                Ok(format!(
                    "right. {}, effective {}: {}, {}, {}, {}{unguarded}",
                    policy.title,
                    day::short(policy.effective_from),
                    counted(policy.tracks.len(), "track", "tracks"),
                    counted(stages, "stage", "stages"),
                    counted(policy.guards.len(), "guard", "guards"),
                    counted(policy.stories.len(), "story", "stories"),
                ))
            })),
            Self::Test { files } => Ok(each(&files, |rules| {
                let differences = differences(rules);
                if differences.is_empty() {
                    let stories = counted(rules.policy.stories.len(), "story comes", "stories come");
                    return Ok(format!("{stories} out as told"));
                }
                Err(differences.join("\n"))
            })),
            Self::Adopt { file, effective, by } => {
                let (rules, _) = read_policy(&file)?;
                let differences = differences(&rules);
                if !differences.is_empty() {
                    return Err(Failure::refused(format!(
                        "{} is not adopted, for its own stories come out differently:\n{}\nCorrect the rule or the story.",
                        file.display(),
                        differences.join("\n")
                    )));
                }
                let office = desk.new_office().await?;
                let by = by.may(&office, Duty::Adopt).await?;
                let adopted = office.adopt_policy(&file, effective, by).await?;
                Ok(Answer::done(format!(
                    "{} ({}) is adopted and acts from {}",
                    rules.policy.title,
                    short(&adopted.hash),
                    day::short(adopted.effective_on)
                )))
            }
            Self::List { json } => list(desk, json).await,
            Self::Show { on } => {
                let office = desk.office().await?;
                let on = on.unwrap_or_else(|| office.today());
                let adopted = office.store.policy_on(on).await?.ok_or(crate::office::OfficeError::NoPolicy { on })?;
                Ok(Answer::done(adopted.sources.into_iter().next().map(|source| source.text).unwrap_or_default()))
            }
        }
    }
}

async fn list(desk: &Desk, json: Json) -> Result {
    let office = desk.office().await?;
    let in_force = office.store.policy_on(office.today()).await?.map(|policy| policy.hash);
    let policies: Vec<Adopted> = office
        .store
        .policies()
        .await?
        .into_iter()
        .map(|policy| Adopted {
            in_force: in_force.as_ref() == Some(&policy.hash),
            hash: policy.hash,
            name: policy.name,
            effective_on: policy.effective_on,
            adopted_by: policy.adopted_by,
            adopted_at: policy.adopted_at,
        })
        .collect();
    json.or(&policies, || {
        use Column::Left;
        let mut table =
            Table::new(&[Left("Policy"), Left("Version"), Left("Effective"), Left("Adopted"), Left("By"), Left("")]);
        for policy in &policies {
            table.row([
                policy.name.clone(),
                short(&policy.hash),
                day::short(policy.effective_on),
                day::short(office.local_day(policy.adopted_at)),
                policy.adopted_by.clone(),
                if policy.in_force { "in force".into() } else { String::new() },
            ]);
        }
        table.show("No policy is adopted.")
    })
}

/// Reads each file and looks at it; one that is wrong does not keep the others from being looked at.
fn each(files: &[PathBuf], look: impl Fn(&RuleSet) -> Result<String, String>) -> Answer {
    let mut answer = Answer::done("");
    for file in files {
        let name = file.display();
        match read_policy(file).map_err(Failure::from) {
            Ok((rules, _)) => match look(&rules) {
                Ok(sentence) => {
                    let _ = writeln!(answer.out, "{name}: {sentence}");
                }
                Err(wrong) => {
                    let _ = writeln!(answer.err, "{name}:\n{wrong}");
                    answer.exit = answer.exit.max(Exit::Refused);
                }
            },
            Err(failure) => {
                let _ = writeln!(answer.err, "{}", failure.message);
                answer.exit = answer.exit.max(failure.exit);
            }
        }
    }
    answer
}

/// Where the policy's own stories come out differently, a line each.
fn differences(rules: &RuleSet) -> Vec<String> {
    let mut lines = Vec::new();
    for story in &rules.policy.stories {
        match play(&rules.policy, &rules.calendar, story) {
            Ok(differences) => lines.extend(differences.iter().map(|d| format!("line {}: {d}", story.line))),
            Err(breach) => lines.push(format!("line {}: {}: {breach}", story.line, story.name)),
        }
    }
    lines
}

fn short(hash: &PolicyHash) -> String {
    hash.as_str().chars().take(SHORT_HASH).collect()
}
