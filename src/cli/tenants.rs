//! `tenants`: those who live behind a landlord's account ask to become customers.

use clap::{ArgGroup, Args, Subcommand};

use super::args::By;
use super::{Answer, Desk, Result};
use crate::domain::HoldId;
use crate::office::Duty;

#[derive(Debug, Subcommand)]
pub enum Tenants {
    /// Record that tenants ask to become customers: nobody is shut off until it is decided
    Ask {
        account: String,
        /// Who asks, and for which dwellings
        #[arg(long)]
        who: String,
        #[command(flatten)]
        by: By,
    },
    /// Decide such a request
    Decide(Decide),
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("decision").required(true))]
pub struct Decide {
    /// The hold of the request
    id: i64,
    /// They become customers: the service stays on until the billing system has moved it to them
    #[arg(long, group = "decision")]
    accepted: bool,
    /// They do not: the policy goes its way
    #[arg(long, group = "decision")]
    refused: bool,
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    by: By,
}

impl Tenants {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        match self {
            Self::Ask { account, who, by } => {
                let account = office.account(&account).await?;
                let hold = office.tenants_ask(account.id, &who, by.may(&office, Duty::Write).await?).await?;
                Ok(Answer::done(format!(
                    "Tenants of account {} ask to become customers: hold {hold} (tenants) stands until it is decided with \
                     `arrears tenants decide {hold}`",
                    account.profile.number
                )))
            }
            Self::Decide(args) => {
                let by = args.by.may(&office, Duty::Release).await?;
                let kept = office.decide_tenants(HoldId(args.id), args.accepted, &args.reason, by).await?;
                Ok(Answer::done(match kept {
                    Some(hold) => format!(
                        "Accepted: open accounts for them in the billing system; hold {hold} (tenants) keeps the service on until \
                         the landlord's account is closed"
                    ),
                    None => "Refused: from today on the policy goes its way".to_owned(),
                }))
            }
        }
    }
}
