//! What to try next: addresses, people with their passwords, and the lines to type.

use serde_json::json;

use entrance_server::setup::seed::Part;

use super::{Journey, Report};
use crate::output::{Style, styled};

/// What becomes of the server after the story.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// It stays, for the person to try.
    Stays,
    /// It was stopped and its cluster deleted; the tenant is kept.
    Stopped,
}

impl Report {
    /// Ends the story with an invitation.
    pub(crate) fn closing(&mut self, journey: &Journey, went_well: bool, server: After) {
        let facts = &journey.facts;
        let people: Vec<_> = [
            (Part::Administrator, "administers directory and subscription"),
            (Part::Member, "may enter the cluster, through a nested group"),
            (Part::Outsider, "may not"),
            (Part::LockedOut, "is there to be locked out"),
        ]
        .into_iter()
        .map(|(part, what)| (facts.person(part), what))
        .collect();
        let data = journey.data.display();
        let (url, group, cluster) = (&journey.base, &facts.resource_group, &facts.cluster);
        let commands = [
            format!("eval \"$(entrance env --data {data})\""),
            format!("az cloud register -n entrance --endpoint-resource-manager {url}/ && az cloud set -n entrance"),
            "az login --use-device-code".to_owned(),
            format!("az aks get-credentials -g {group} -n {cluster} --overwrite-existing"),
            "kubectl get nodes".to_owned(),
            "kubectl auth whoami".to_owned(),
        ];
        let names: Vec<_> = people.iter().map(|(person, what)| json!({ "upn": person.upn, "what": what })).collect();
        let summary = json!({ "url": url, "data": journey.data, "people": names, "commands": commands });
        let mut text = vec![String::new(), styled(Style::Strong, "Now try it yourself")];
        if server == After::Stopped {
            text.push(format!("  Everything was stopped. Start it again, to stay: entrance demo --data {data}"));
        }
        text.push(format!("  Sign-in page for device codes: {url}/devicelogin"));
        text.push(String::new());
        for (person, what) in &people {
            text.push(format!("  {:<28} {:<22} {what}", person.upn, person.password.as_deref().unwrap_or_default()));
        }
        text.push(String::new());
        text.extend(commands.iter().map(|command| format!("  $ {command}")));
        text.push(String::new());
        text.push(format!("  For scripts: {data}/demo.env. This is a demo on this machine; `entrance serve` is the real thing."));
        self.end(went_well, summary, &text);
    }
}
