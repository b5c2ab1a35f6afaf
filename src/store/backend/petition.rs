//! Petitions in bankruptcy, and the parts of debts that they stay.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sqlx::types::Json;

use super::given::{ExceptionKind, NewPetition, PetitionNews, Stamp};
use super::ledger::{self, items_in};
use super::log::{self, NewLine};
use super::settle::resettle;
use super::{Backend, Conn, Result, StoreError, correction, exception, hold, kept, proposal, referral, touch};
use crate::domain::petition::Petition;
use crate::domain::placement::ReturnReason;
use crate::domain::proposal::{Proposed, WrittenOff};
use crate::domain::{AccountId, Cents, OpenItem, PetitionId, ProposalId};
use crate::rulebook::policy::LedgerRules;

/// What petitions stay, by account, oldest due first.
pub(super) async fn stayed_of(conn: &mut Conn, accounts: &[AccountId]) -> Result<BTreeMap<AccountId, Vec<OpenItem>>> {
    items_in(conn, "stayed_item", accounts).await
}

impl Backend {
    pub async fn record_petition(
        &self,
        account: AccountId,
        new: &NewPetition,
        rules: &LedgerRules,
        stamp: &Stamp,
    ) -> Result<PetitionId> {
        let mut tx = self.write().await?;
        let known_through = ledger::last_entry(&mut tx, account).await?;
        let known: Vec<Petition> = kept::of_account(&mut tx, account).await?;
        if let Some(same) = known.iter().find(|petition| petition.ended.is_none() && petition.discharged_on.is_none()) {
            return Err(StoreError::Conflict(format!(
                "petition {} stands ({}): end that one first",
                same.id,
                same.words()
            )));
        }
        let petition = Petition {
            id: PetitionId(0),
            chapter: new.chapter,
            court: new.court.clone(),
            case_number: new.case_number.clone(),
            petition_on: new.petition_on,
            relief_on: new.relief_on,
            learned_on: new.learned_on,
            recorded_on: stamp.on,
            recorded_by: stamp.by.to_string(),
            known_through,
            assurance: None,
            discharged_on: None,
            ended: None,
            ordered_on: None,
            of_after: Vec::new(),
        };
        let id: i64 =
            sqlx::query_scalar("INSERT INTO petition (account_id, body, recorded_at) VALUES ($1, $2, $3) RETURNING id")
                .bind(account.0)
                .bind(Json(&petition))
                .bind(stamp.at)
                .fetch_one(&mut *tx)
                .await?;
        let petition = Petition { id: PetitionId(id), ..petition };
        if let Some(text) = &new.late {
            exception::open(&mut tx, Some(account), ExceptionKind::PetitionLate, text, stamp).await?;
        }
        let recorded = format!("recorded: petition {id}");
        referral::answer(&mut tx, account, (ReturnReason::Bankrupt, &BTreeSet::new()), &recorded, stamp).await?;
        hold::add_with_tasks(&mut tx, &new.others, stamp).await?;
        correction::ask(&mut tx, &[account], stamp).await?;
        resettle(&mut tx, &[account], rules, stamp).await?;
        touch(&mut tx, &[account], stamp.on).await?;
        log::write(&mut tx, &[NewLine::of(account, "petition recorded", json!(petition))], None, stamp).await?;
        tx.commit().await?;
        Ok(petition.id)
    }

    pub async fn petition_news(
        &self,
        id: PetitionId,
        news: &PetitionNews,
        rules: &LedgerRules,
        stamp: &Stamp,
    ) -> Result<Option<ProposalId>> {
        let mut tx = self.write().await?;
        let account: Option<i64> = sqlx::query_scalar("SELECT account_id FROM petition WHERE id = $1")
            .bind(id.0)
            .fetch_optional(&mut *tx)
            .await?;
        let account = AccountId(account.ok_or_else(|| StoreError::not_found("petition", id))?);
        ledger::hold_still(&mut tx, account).await?;
        let (_, mut petition): (_, Petition) = kept::one(&mut tx, id.0).await?;
        let goes_on = matches!(news, PetitionNews::Assured(_) | PetitionNews::OfAfter(_));
        if petition.ended.is_some() || (petition.discharged_on.is_some() && !goes_on) {
            return Err(StoreError::Conflict(format!("petition {id} is {}", petition.state_words())));
        }
        let (what, body) = match news {
            PetitionNews::Assured(assurance) => {
                petition.assurance = Some(assurance.clone());
                ("assurance recorded", json!({ "petition": id, "assurance": assurance }))
            }
            PetitionNews::Discharged(day) => {
                petition.discharged_on = Some(*day);
                ("petition discharged", json!({ "petition": id, "on": day }))
            }
            PetitionNews::Ended(day, ordered_on, how) => {
                petition.ended = Some((*day, *how));
                petition.ordered_on = Some(*ordered_on);
                ("stay ended", json!({ "petition": id, "on": day, "order_of": ordered_on, "how": how }))
            }
            PetitionNews::OfAfter(said) => {
                correction::is_of_after(&mut tx, account, &petition, said, stamp).await?;
                petition.of_after.push(said.clone());
                ("correction of after the petition", json!({ "petition": id, "said": said }))
            }
        };
        let ended_at = petition.ended.map(|_| stamp.at);
        sqlx::query("UPDATE petition SET body = $2, ended_at = $3 WHERE id = $1")
            .bind(id.0)
            .bind(Json(&petition))
            .bind(ended_at)
            .execute(&mut *tx)
            .await?;
        log::write(&mut tx, &[NewLine::of(account, what, body)], None, stamp).await?;
        let proposed = match news {
            PetitionNews::Discharged(_) => propose_write_off(&mut tx, account, &petition, stamp).await?,
            PetitionNews::Assured(_) | PetitionNews::Ended(..) | PetitionNews::OfAfter(_) => None,
        };
        resettle(&mut tx, &[account], rules, stamp).await?;
        touch(&mut tx, &[account], stamp.on).await?;
        tx.commit().await?;
        Ok(proposed)
    }

    pub async fn petition(&self, id: PetitionId) -> Result<(AccountId, Petition)> {
        let mut tx = self.read().await?;
        kept::one(&mut tx, id.0).await
    }

    pub async fn petitions_of(&self, account: AccountId) -> Result<Vec<Petition>> {
        let mut tx = self.read().await?;
        kept::of_account(&mut tx, account).await
    }

    pub async fn petitions_unassured(&self) -> Result<Vec<(AccountId, Petition)>> {
        let open =
            "(body ->> 'assurance') IS NULL AND (body ->> 'discharged_on') IS NULL AND (body ->> 'ended') IS NULL
                    ORDER BY id";
        let mut tx = self.read().await?;
        kept::with_accounts(&mut tx, kept::select::<Petition>(open)).await
    }

    pub async fn petitions(&self) -> Result<Vec<(AccountId, Petition)>> {
        let mut tx = self.read().await?;
        kept::with_accounts(&mut tx, kept::select::<Petition>("1 = 1 ORDER BY id")).await
    }
}

/// What is stayed is proposed for write-off: it is discharged, and somebody else approves that it leaves the books.
async fn propose_write_off(
    conn: &mut Conn,
    account: AccountId,
    petition: &Petition,
    stamp: &Stamp,
) -> Result<Option<ProposalId>> {
    let stayed = stayed_of(conn, &[account]).await?.remove(&account).unwrap_or_default();
    if stayed.is_empty() {
        return Ok(None);
    }
    let amount: Cents = stayed.iter().map(|item| item.open).sum();
    let debts =
        stayed.iter().map(|item| WrittenOff { item: item.id, service: item.service, open: item.open }).collect();
    let reason = format!("discharged (11 USC 524): {}", petition.words());
    proposal::add(conn, account, &Proposed::WriteOff { debts }, amount, &reason, stamp).await.map(Some)
}
