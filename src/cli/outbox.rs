//! `outbox`: the work that waits is done once, by hand.

use clap::Args;

use super::exit::counted;
use super::{Answer, Desk, Failure, Result};
use crate::notices::Mailer;

#[derive(Args, Debug)]
pub struct Outbox {}

impl Outbox {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let mail = &office.config.mail;
        let mailer = Mailer::configured(mail, &office.dir, std::env::var(&mail.password_env).ok())
            .map_err(|error| Failure::failed(error.to_string()))?;
        let done = office.work_outbox(&mailer).await?;
        let left = office.store.waiting(office.today()).await?.work;
        let done = counted(usize::try_from(done).unwrap_or(usize::MAX), "piece of work is", "pieces of work are");
        let mut text = format!("{done} done, {left} left");
        if left > 0 {
            text.push_str(&match office.emails_wait_for().await? {
                Some(what) => format!(": emails wait for {what}"),
                // A claim is good for five minutes; a worker that was killed leaves its own behind.
                None => ": they are tried again by the next run, those that another worker holds within five minutes; what cannot be \
                         done is in `arrears exceptions list`"
                    .to_owned(),
            });
        }
        Ok(Answer::done(text))
    }
}
