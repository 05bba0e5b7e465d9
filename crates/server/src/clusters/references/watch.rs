//! Follows one kind of object in one cluster.
//!
//! A watch that was cut without a word looks like one where nothing happens. So no watch here lasts longer than a few
//! seconds: the API server ends it, and that the next one begins says that the view was complete until then. A connection
//! serves one after the other; the credential is asked for each time, so it is always a fresh one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use entrance_model::id::ClusterUid;
use futures_util::StreamExt as _;
use kube::Client;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::Request;
use serde::Deserialize;

use super::Source;
use super::contents::View;
use super::mentions::{Mentions, Object};
use crate::clusters::incluster::{InClusterError, Reach};

/// Follows a source, for ever; errors are shown in the view and tried again.
pub(super) async fn follow(cluster: ClusterUid, source: Source, view: Arc<View>, reach: Arc<dyn Reach>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let since = Instant::now();
        match follow_until_lost(cluster, source, &view, &reach).await {
            // The place in the history is too old: nothing is wrong, and it is listed again.
            Ok(()) => pause = FIRST_PAUSE,
            Err(error) => {
                tracing::debug!(%cluster, resource = source.plural(), %error, "what the cluster refers to is not known");
                view.doubt(source, error.to_string());
                if since.elapsed() > SETTLED {
                    pause = FIRST_PAUSE;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Lists everything, then watches from there until the API server does not remember the place any more.
async fn follow_until_lost(
    cluster: ClusterUid,
    source: Source,
    view: &View,
    reach: &Arc<dyn Reach>,
) -> Result<(), InClusterError> {
    let client = reach.client(cluster).await?;
    let Some(path) = in_time(served_at(&client, source)).await? else {
        // Nobody can make what is not served. It may be after an upgrade, so it is looked for again and again.
        let at = Instant::now();
        view.replace(source, []);
        view.confirm(source, at);
        tokio::time::sleep(WATCH).await;
        return Ok(());
    };
    let request = Request::new(path);
    let at = Instant::now();
    let (all, mut version) = list(&client, &request).await?;
    view.replace(source, all);
    view.confirm(source, at);
    loop {
        let client = reach.client(cluster).await?;
        match watch(&client, &request, version, source, view).await? {
            Some(reached) => version = reached,
            None => return Ok(()),
        }
    }
}

/// One watch; the place that it reached, or `None` when its beginning was forgotten.
async fn watch(
    client: &Client,
    request: &Request,
    mut version: String,
    source: Source,
    view: &View,
) -> Result<Option<String>, InClusterError> {
    let seconds = u32::try_from(WATCH.as_secs()).unwrap_or(u32::MAX);
    let wanted = WatchParams { timeout: Some(seconds), bookmarks: true, ..WatchParams::default() };
    let ask = request.watch(&wanted, &version).map_err(kube::Error::BuildRequest)?;
    let at = Instant::now();
    let opened = in_time(client.request_events::<Object>(ask)).await;
    let events = match opened {
        Err(InClusterError::Api(kube::Error::Api(status))) if status.code == GONE => return Ok(None),
        opened => opened?,
    };
    view.confirm(source, at);
    let mut events = events.boxed();
    let end = tokio::time::sleep(WATCH + GRACE);
    tokio::pin!(end);
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = &mut end => return Err(InClusterError::Connect("a watch did not end in its time".to_owned())),
        };
        match event {
            None => return Ok(Some(version)),
            Some(Ok(WatchEvent::Added(object) | WatchEvent::Modified(object))) => {
                version.clone_from(&object.version);
                view.put(source, object);
            }
            Some(Ok(WatchEvent::Deleted(object))) => {
                version = object.version;
                view.remove(source, &object.key);
            }
            Some(Ok(WatchEvent::Bookmark(mark))) => version = mark.metadata.resource_version,
            Some(Ok(WatchEvent::Error(status))) if status.code == GONE => return Ok(None),
            Some(Ok(WatchEvent::Error(status))) => return Err(kube::Error::Api(status).into()),
            Some(Err(error)) => return Err(error.into()),
        }
        view.confirm(source, Instant::now());
    }
}

/// A page of a list.
#[derive(Deserialize)]
struct Page {
    metadata: PageMeta,
    #[serde(default)]
    items: Vec<Object>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMeta {
    resource_version: String,
    #[serde(rename = "continue")]
    rest: Option<String>,
}

/// All objects, page by page and all of one moment, and that moment.
async fn list(client: &Client, request: &Request) -> Result<(Vec<(String, Mentions)>, String), InClusterError> {
    let mut wanted = ListParams::default().limit(PAGE);
    let mut all = Vec::new();
    loop {
        let ask = request.list(&wanted).map_err(kube::Error::BuildRequest)?;
        let page: Page = in_time(client.request(ask)).await?;
        all.extend(page.items.into_iter().map(|object| (object.key, object.mentions)));
        match page.metadata.rest.filter(|rest| !rest.is_empty()) {
            Some(rest) => wanted = wanted.continue_token(&rest),
            None => return Ok((all, page.metadata.resource_version)),
        }
    }
}

/// Where a source is served, in the version that the API server prefers; `None` when it is not served.
async fn served_at(client: &Client, source: Source) -> Result<Option<String>, kube::Error> {
    let group = source.group();
    let groups = client.list_api_groups().await?;
    let Some(found) = groups.groups.into_iter().find(|one| one.name == group) else { return Ok(None) };
    let preferred = found.preferred_version.into_iter();
    for version in preferred.chain(found.versions).map(|version| version.group_version) {
        let resources = client.list_api_group_resources(&version).await?;
        if resources.resources.iter().any(|one| one.name == source.plural()) {
            return Ok(Some(format!("/apis/{version}/{}", source.plural())));
        }
    }
    Ok(None)
}

/// An answer, or the news that none came.
async fn in_time<T>(answer: impl Future<Output = Result<T, kube::Error>>) -> Result<T, InClusterError> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(InClusterError::Connect("the API server does not answer".to_owned())),
    }
}

const PAGE: u32 = 500;
const GONE: u16 = 410;
/// How long one watch lasts. With the time for the next to begin it stays well below [`super::BOUND`].
const WATCH: Duration = Duration::from_secs(6);
/// How much later than asked a watch may end.
const GRACE: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const SETTLED: Duration = Duration::from_secs(30);
