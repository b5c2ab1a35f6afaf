//! Who may do what: the one table of duties, for the pages and the commands.
//!
//! On the command line a person says who they are; the pages ask for a password. Both then ask here. While nobody is on
//! the staff, anyone may begin: adopt the policy, add the first person.

use super::{Office, OfficeError, Result};
use crate::domain::Role;
use crate::store::StaffMember;

/// What an act takes of the person who does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// To record what happens: files, payments, calls, promises, holds.
    Write,
    /// To release notices and the call list, and to undo in a customer's favor or against it.
    Release,
    /// To approve shut-offs, referrals and acts against the policy.
    Approve,
    /// To adopt a policy.
    Adopt,
    /// To add people and set their passwords.
    Administer,
}

impl Duty {
    /// Whether the role has it.
    #[must_use]
    pub const fn is_of(self, role: Role) -> bool {
        match self {
            Self::Write => role.may_write(),
            Self::Release | Self::Adopt => role.may_release(),
            Self::Approve => role.may_approve(),
            Self::Administer => matches!(role, Role::Administrator),
        }
    }

    /// What it is about, behind "may not".
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Write => "make changes",
            Self::Release => "release notices and call lists, end holds, or void payments",
            Self::Approve => "approve shut-offs, referrals, what others propose, and acts against the policy",
            Self::Adopt => "adopt a policy or sign its wordings",
            Self::Administer => "change who is on the staff",
        }
    }
}

impl Office {
    /// Refuses an act of someone who is not on the staff, or whose role does not have the duty. While there is no
    /// administrator, a lead administers.
    ///
    /// # Errors
    /// The refusal names those who have nearly the same name, or those who may.
    pub async fn person_may(&self, name: &str, duty: Duty) -> Result<()> {
        let staff = self.store.staff().await?;
        if staff.is_empty() {
            return Ok(());
        }
        let Some(member) = staff.iter().find(|member| member.name == name) else {
            return Err(OfficeError::refused(
                format!("{name:?} is not on the staff{}", meant(name, &staff)),
                "`arrears staff list` shows who is",
            ));
        };
        let others = || staff.iter().filter(|other| has(duty, other.role, &staff));
        if has(duty, member.role, &staff) {
            return Ok(());
        }
        let may: Vec<&str> = others().map(|other| other.name.as_str()).collect();
        let ask = if may.is_empty() { "nobody on the staff may".to_owned() } else { format!("ask {}", listed(&may)) };
        Err(OfficeError::refused(format!("{name} is {}, and may not {}", an(member.role), duty.what()), ask))
    }
}

/// Whether somebody of the staff can still add people and change roles.
pub(super) fn is_governed(staff: &[StaffMember]) -> bool {
    staff.iter().any(|member| has(Duty::Administer, member.role, staff))
}

fn has(duty: Duty, role: Role, staff: &[StaffMember]) -> bool {
    let stands_in = duty == Duty::Administer
        && role == Role::Lead
        && !staff.iter().any(|member| member.role == Role::Administrator);
    duty.is_of(role) || stands_in
}

/// `: did you mean "L. Ortiz"?`, or nothing where no name is near.
fn meant(name: &str, staff: &[StaffMember]) -> String {
    let name = name.to_lowercase();
    let mut near: Vec<(usize, &str)> = staff
        .iter()
        .map(|member| (strsim::osa_distance(&name, &member.name.to_lowercase()), member))
        .filter(|(distance, member)| {
            let in_part = member.name.to_lowercase().split_whitespace().any(|part| part == name);
            *distance <= name.chars().count().div_ceil(3) || in_part
        })
        .map(|(distance, member)| (distance, member.name.as_str()))
        .collect();
    near.sort_unstable();
    let near: Vec<String> = near.into_iter().take(3).map(|(_, name)| format!("{name:?}")).collect();
    if near.is_empty() { String::new() } else { format!(": did you mean {}?", near.join(" or ")) }
}

fn listed(names: &[&str]) -> String {
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

fn an(role: Role) -> String {
    let word = role.word();
    format!("{} {word}", if word.starts_with('a') { "an" } else { "a" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, role: Role) -> StaffMember {
        StaffMember { name: name.into(), role, languages: Vec::new(), capacity: 0 }
    }

    #[test]
    fn each_role_has_its_duties_and_no_more() {
        let duties = [Duty::Write, Duty::Release, Duty::Approve, Duty::Adopt, Duty::Administer];
        let of = |role: Role| duties.map(|duty| duty.is_of(role));
        assert_eq!(of(Role::Representative), [true, false, false, false, false]);
        assert_eq!(of(Role::Lead), [true, true, true, true, false]);
        assert_eq!(of(Role::Approver), [true, false, true, false, false]);
        assert_eq!(of(Role::Auditor), [false; 5]);
        assert_eq!(of(Role::Administrator), [true; 5]);
    }

    #[test]
    fn a_lead_administers_until_there_is_an_administrator() {
        let mut staff = vec![member("Ruth", Role::Lead), member("Ana", Role::Auditor)];
        assert!(has(Duty::Administer, Role::Lead, &staff) && is_governed(&staff));
        staff.push(member("Ida", Role::Administrator));
        assert!(!has(Duty::Administer, Role::Lead, &staff) && is_governed(&staff));
        assert!(!is_governed(&[member("Omar", Role::Representative)]));
    }

    #[test]
    fn a_mistyped_name_is_answered_with_those_that_are_near() {
        let staff = [member("L. Ortiz", Role::Lead), member("M. Chen", Role::Representative)];
        assert_eq!(meant("l. ortis", &staff), ": did you mean \"L. Ortiz\"?");
        assert_eq!(meant("Chen", &staff), ": did you mean \"M. Chen\"?");
        assert_eq!(meant("Beatrice Quigley", &staff), "");
    }
}
