//! Whether a plan can be carried out: nothing waits for itself.

use super::error::TemplateError;
use super::plan::Plan;

/// Refuses a plan in which resources wait for each other in a ring.
pub(super) fn check(plan: &Plan) -> Result<(), TemplateError> {
    let mut is_done = vec![false; plan.resources.len()];
    loop {
        let ready: Vec<usize> = (0..is_done.len())
            .filter(|at| !is_done[*at] && plan.resources[*at].after.iter().all(|before| is_done[*before]))
            .collect();
        if ready.is_empty() {
            break;
        }
        for at in ready {
            is_done[at] = true;
        }
    }
    let Some(first) = is_done.iter().position(|done| !done) else { return Ok(()) };
    // Going back from one that waits leads into the ring.
    let mut ring = vec![first];
    loop {
        let at = ring[ring.len() - 1];
        let next = plan.resources[at].after.iter().copied().find(|before| !is_done[*before]);
        let Some(next) = next else { break };
        if let Some(begin) = ring.iter().position(|known| *known == next) {
            ring.drain(..begin);
            ring.push(next);
            break;
        }
        ring.push(next);
    }
    let names: Vec<&str> = ring.iter().map(|at| plan.resources[*at].name.as_str()).collect();
    let message = format!("Circular dependency: {}.", names.join(" waits for "));
    Err(TemplateError::new(message, &plan.resources[ring[0]].place))
}
