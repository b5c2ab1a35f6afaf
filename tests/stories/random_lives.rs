//! Random lives of one account through the books themselves.
//!
//! Two cities live the same life. In the one, on SQLite, a night looks only at an account that something has happened to or
//! whose day has come; in the other, on PostgreSQL, every night looks at it. On no day may they differ in what was decided,
//! sent, ordered or charged. And what stands in the record at the end is held against the twelve invariants.

use std::collections::BTreeMap;

use arrears::domain::Day;
use arrears::domain::day::plus_days;
use arrears::domain::field_order::{OrderKind, OrderState};
use arrears::domain::hold::HoldKind;
use tokio::runtime::Builder;

use super::invariants;
use super::lives::{City, Fact, Household, first_day, life, plain_life};
use super::postgres::new_database;

/// Lives that between them reach what is asked for below; each costs some seconds.
const SEEDS: [u64; 4] = [4, 5, 6, 7];

/// Lives a life for each of these side by side: most of their time goes by in waiting for the disk.
fn side_by_side<A: Send, T: Send>(of: impl IntoIterator<Item = A>, lives: impl AsyncFn(A) -> T + Sync) -> Vec<T> {
    let lives = &lives;
    let live = |one: A| {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        runtime.block_on(lives(one))
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = of.into_iter().map(|one| scope.spawn(move || live(one))).collect();
        threads.into_iter().map(|thread| thread.join().expect("its own words stand above")).collect()
    })
}

/// Lives a life in both cities, day by day, and gives how often the invariants had something to say.
async fn lived_alike(seed: u64) -> BTreeMap<&'static str, usize> {
    let household = Household::of(seed);
    let mut due = City::open(None, household).await;
    let mut full = City::open(Some(new_database()), household).await;
    for (offset, chapter) in (0..).zip(life(seed)) {
        let day = plus_days(first_day(), offset);
        due.lives(day, &chapter).await;
        full.wake(day).await;
        full.lives(day, &chapter).await;
        let (books, other) = (due.books().await, full.books().await);
        for (what, found) in &books {
            assert_eq!(found, &other[what], "{what} on {day} of seed {seed}, which brought {:?}", chapter.facts);
        }
        let frozen = &books["frozen"];
        let is_left_over = frozen.as_str().is_some_and(|why| why.contains("has nothing to write off"));
        assert!(frozen.is_null() || is_left_over, "frozen on {day} of seed {seed}: {frozen}");
    }
    let reached = invariants::hold(&due, seed).await;
    assert_eq!(invariants::hold(&full, seed).await, reached);
    reached
}

#[test]
fn nights_that_look_only_at_who_is_due_do_what_full_nights_do_and_the_record_keeps_the_invariants() {
    let mut reached: BTreeMap<&'static str, usize> = BTreeMap::new();
    for (what, times) in side_by_side(SEEDS, lived_alike).into_iter().flatten() {
        *reached.entry(what).or_default() += times;
    }
    // Lives in which nothing happens would prove nothing.
    assert!(reached.values().all(|times| *times > 0), "{reached:?}");
}

/// The first days on which somebody was shut off and on which a debt was placed; never, where nobody was.
async fn first_adverse(held: Option<(usize, HoldKind, i64)>) -> (Day, Day) {
    let mut city = City::open(None, Household::of(1)).await;
    let mut chapters = plain_life();
    if let Some((on, kind, days)) = held {
        chapters[on].facts.push(Fact::Hold { kind, days });
    }
    for (offset, chapter) in (0..).zip(chapters) {
        city.lives(plus_days(first_day(), offset), &chapter).await;
    }
    let orders = city.office.store.orders_of(city.account).await.expect("the orders");
    let cuts = orders.iter().filter(|order| order.kind == OrderKind::ShutOff && order.state == OrderState::Done);
    let referrals = city.office.store.referrals_of(city.account).await.expect("the referrals");
    let cut = cuts.filter_map(|order| order.done_on).min();
    let placed = referrals.iter().filter_map(|referral| referral.placed_on).min();
    (cut.unwrap_or(Day::MAX), placed.unwrap_or(Day::MAX))
}

#[test]
fn a_hold_delays_a_shut_off_and_a_referral_or_leaves_them_where_they_were() {
    let holds = [
        (40, HoldKind::Extension, 30),
        (84, HoldKind::Medical, 10),
        (100, HoldKind::Review, 60),
        (170, HoldKind::Assistance, 45),
        (60, HoldKind::Bankruptcy, 20),
    ];
    let mut lives = side_by_side(std::iter::once(None).chain(holds.map(Some)), first_adverse).into_iter();
    let without = lives.next().expect("the first life");
    assert!(without.0 < Day::MAX && without.1 < Day::MAX, "{without:?}");
    let mut delayed = 0;
    for (held, with) in holds.into_iter().zip(lives) {
        assert!(with.0 >= without.0, "{held:?}: a shut-off moved from {} to {}", without.0, with.0);
        assert!(with.1 >= without.1, "{held:?}: a referral moved from {} to {}", without.1, with.1);
        delayed += usize::from(with.0 > without.0) + usize::from(with.1 > without.1);
    }
    assert!(delayed > 2, "holds that delay nothing prove nothing");
}
