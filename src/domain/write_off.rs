//! Write-offs that write off less than they say: what a person is told of them.

use super::day::short;
use super::ledger::{Entry, EntryKind, IdleWriteOff};
use super::money::Cents;

/// The line of the exceptions list: for each write-off how much of it is left over, why, and what to do.
#[must_use]
pub fn left_over(idle: &[IdleWriteOff], ledger: &[Entry]) -> String {
    let lines: Vec<String> = idle.iter().map(|idle| of_one(idle, ledger)).collect();
    let is_own = idle.iter().any(|idle| idle.is_own);
    let way = if is_own {
        "Take it back: `arrears writeoff ACCOUNT --reverse --left-over --reason TEXT`, and another approves it"
    } else {
        "The billing system posted it: have it reversed there, and import the reversal"
    };
    format!(
        "{}. It is nobody's money, and pays no other bill. No notice, shut-off or referral until it is taken back. {way}",
        lines.join("; ")
    )
}

fn of_one(idle: &IdleWriteOff, ledger: &[Entry]) -> String {
    let find = |id| ledger.iter().find(|entry| entry.id == id);
    let whole = find(idle.write_off).map_or_else(String::new, |entry| {
        format!(" of the write-off of {} on {}", -entry.amount, short(entry.effective_on))
    });
    let debt = idle.item.and_then(find);
    let why = match debt {
        Some(debt) => {
            let what = match debt.kind {
                EntryKind::Charge => "bill".to_owned(),
                EntryKind::Fee
                | EntryKind::Interest
                | EntryKind::Payment
                | EntryKind::Adjustment
                | EntryKind::Deposit
                | EntryKind::Transfer
                | EntryKind::Reversal
                | EntryKind::WriteOff => debt.kind.to_string(),
            };
            let name = format!("the {what} of {} due {}", debt.amount, short(debt.due_on.unwrap_or(debt.effective_on)));
            let is_undone = ledger.iter().any(|entry| entry.reverses == Some(debt.id));
            if is_undone { format!("{name}, was taken back") } else { format!("{name}, was paid after all") }
        }
        None => "no debt of its day was left for it".to_owned(),
    };
    let left: Cents = idle.left;
    format!("{left}{whole} (entry {}) has nothing to write off: {why}", idle.write_off)
}
