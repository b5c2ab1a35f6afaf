//! The part `approvals` of a policy: who approves what another proposes, by its amount.

use std::collections::BTreeMap;

use crate::domain::proposal::ProposalKind;
use crate::domain::{Cents, Role};

use super::document::Node;
use super::error::{Fault, Report};
use super::fields::{self, Fields};
use super::policy::{ApprovalRules, ApprovalTier};
use super::settings::citation;

/// `write_off: [{up_to: 100.00, by: lead}, {by: approver}]`, and the like for waivers and adjustments.
pub(super) fn approvals(node: Option<&Node>, report: &mut Report<'_>) -> ApprovalRules {
    let mut tiers = BTreeMap::new();
    let Some(mut fields) = node.and_then(|node| Fields::of(node, "approvals", report)) else {
        return ApprovalRules::default();
    };
    for kind in ProposalKind::ALL {
        if let Some(node) = fields.take(kind.word(), report) {
            tiers.insert(*kind, tiers_of(node, report));
        }
    }
    let _ = citation(&mut fields, report);
    fields.done(report);
    ApprovalRules { tiers }
}

fn tiers_of(node: &Node, report: &mut Report<'_>) -> Vec<ApprovalTier> {
    let mut tiers: Vec<ApprovalTier> = Vec::new();
    for item in node.each() {
        let Some(mut fields) = Fields::of(item, "a tier of approval", report) else { continue };
        let up_to =
            fields.take("up_to", report).and_then(|node| report.take(fields::money(node, "the limit of a tier")));
        let by = fields.need("by", report).map(|node| {
            let roles = fields::words(node, "a role", Role::ALL, Role::word, report);
            if let Some(role) = roles.iter().find(|role| !role.may_approve()) {
                let fault = Fault::new(node.at, format!("a {role} approves nothing"));
                report.add(fault.expected("lead, approver or administrator"));
            }
            roles.into_iter().collect()
        });
        fields.done(report);
        let limit = |tier: &ApprovalTier| tier.up_to.map_or(i64::MAX, Cents::get);
        let tier = ApprovalTier { up_to, by: by.unwrap_or_default() };
        if tiers.last().is_some_and(|last| limit(last) >= limit(&tier)) {
            let fault = Fault::new(item.at, "this tier is never reached: the one before it goes as far");
            report.add(fault.expected("tiers in rising order of `up_to`, the last without one"));
        }
        tiers.push(tier);
    }
    tiers
}
