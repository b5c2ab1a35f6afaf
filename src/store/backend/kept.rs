//! Nouns that are kept whole in their table's `body`.

use serde::de::DeserializeOwned;
use sqlx::Database;
use sqlx::query::QueryAs;
use sqlx::types::Json;

use super::{Conn, Db, FOR_UPDATE, Result, StoreError, sql};
use crate::domain::arrangement::Arrangement;
use crate::domain::call::{Call, CallAttempt};
use crate::domain::dispute::Dispute;
use crate::domain::field_order::FieldOrder;
use crate::domain::hold::Hold;
use crate::domain::notice::Notice;
use crate::domain::petition::Petition;
use crate::domain::promise::Promise;
use crate::domain::proof::Proof;
use crate::domain::referral::Referral;
use crate::domain::{
    AccountId, ArrangementId, CallId, DisputeId, HoldId, NoticeId, OrderId, PetitionId, PromiseId, ProofId, ReferralId,
};

/// A noun with a table of its own. The body is written before the key is known; reading puts the key in.
pub(super) trait Kept: DeserializeOwned + Send + Unpin + 'static {
    const TABLE: &'static str;
    const WHAT: &'static str;
    fn identify(&mut self, id: i64);
}

macro_rules! kept {
    ($($noun:ident in $table:literal, a $what:literal, by $key:ident;)+) => {$(
        impl Kept for $noun {
            const TABLE: &'static str = $table;
            const WHAT: &'static str = $what;
            fn identify(&mut self, id: i64) {
                self.id = $key(id);
            }
        }
    )+};
}

kept! {
    Notice in "notice", a "notice", by NoticeId;
    Call in "call", a "call", by CallId;
    FieldOrder in "field_order", a "field order", by OrderId;
    Referral in "referral", a "referral", by ReferralId;
    Dispute in "dispute", a "dispute", by DisputeId;
    Petition in "petition", a "petition", by PetitionId;
    Hold in "hold", a "hold", by HoldId;
    Proof in "proof", a "proof", by ProofId;
    Promise in "promise", a "promise", by PromiseId;
    Arrangement in "arrangement", a "arrangement", by ArrangementId;
}

/// An attempt has no key of its own in the domain.
impl Kept for CallAttempt {
    const TABLE: &'static str = "call_attempt";
    const WHAT: &'static str = "call attempt";
    fn identify(&mut self, _id: i64) {}
}

type Query<T> = QueryAs<'static, Db, (i64, i64, Json<T>), <Db as Database>::Arguments>;

/// The query for the nouns that the condition names; its values are bound by the caller.
pub(super) fn select<T: Kept>(condition: &str) -> Query<T> {
    sqlx::query_as(sql(format!("SELECT id, account_id, body FROM {} WHERE {condition}", T::TABLE)))
}

/// The nouns with their accounts.
pub(super) async fn with_accounts<T: Kept>(conn: &mut Conn, query: Query<T>) -> Result<Vec<(AccountId, T)>> {
    let found = query.fetch_all(conn).await?;
    Ok(found
        .into_iter()
        .map(|(id, account, Json(mut noun))| {
            noun.identify(id);
            (AccountId(account), noun)
        })
        .collect())
}

/// The nouns.
pub(super) async fn list<T: Kept>(conn: &mut Conn, query: Query<T>) -> Result<Vec<T>> {
    Ok(with_accounts(conn, query).await?.into_iter().map(|(_, noun)| noun).collect())
}

/// All of an account, oldest first.
pub(super) async fn of_account<T: Kept>(conn: &mut Conn, account: AccountId) -> Result<Vec<T>> {
    list(conn, select::<T>("account_id = $1 ORDER BY id").bind(account.0)).await
}

/// The one with the key, and its account.
pub(super) async fn one<T: Kept>(conn: &mut Conn, id: i64) -> Result<(AccountId, T)> {
    let found = with_accounts(conn, select::<T>("id = $1").bind(id)).await?;
    found.into_iter().next().ok_or_else(|| StoreError::not_found(T::WHAT, id))
}

/// The one with the key, to be written back: its account is locked until the transaction ends, and it is read behind that,
/// so that nothing that somebody else did to it meanwhile is overwritten.
pub(super) async fn to_write<T: Kept>(conn: &mut Conn, id: i64) -> Result<(AccountId, T)> {
    lock_accounts::<T>(conn, &[id]).await?;
    one(conn, id).await
}

/// Those with the keys, to be written back, in the order of the keys.
pub(super) async fn many_to_write<T: Kept>(conn: &mut Conn, keys: &[i64]) -> Result<Vec<T>> {
    lock_accounts::<T>(conn, keys).await?;
    many(conn, keys).await
}

/// Locks the accounts of the nouns with the keys, in order of the accounts, as everyone does before anything else. A noun
/// never changes its account.
pub(super) async fn lock_accounts<T: Kept>(conn: &mut Conn, keys: &[i64]) -> Result<()> {
    let select = format!(
        "SELECT facts_seq FROM review WHERE account_id IN (SELECT account_id FROM {} WHERE id IN {}) \
         ORDER BY account_id {FOR_UPDATE}",
        T::TABLE,
        super::ids(1)
    );
    sqlx::query(sql(select)).bind(Json(keys.to_vec())).execute(conn).await?;
    Ok(())
}

/// Those with the keys, in the order of the keys.
pub(super) async fn many<T: Kept>(conn: &mut Conn, keys: &[i64]) -> Result<Vec<T>> {
    let condition = format!("id IN {} ORDER BY id", super::ids(1));
    list(conn, select::<T>(&condition).bind(Json(keys.to_vec()))).await
}
