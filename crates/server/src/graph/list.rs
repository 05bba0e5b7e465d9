//! Lists: filtered, cut to what was selected, page by page (G-100 to G-103).

use axum::http::header;
use axum::response::{IntoResponse, Response};
use entrance_store::directory::PageAfter;
use entrance_wire::graph::Object;
use entrance_wire::graph::query::Options;
use serde_json::Value;

use super::ctx::Ctx;
use super::error::GraphError;
use super::page;
use super::reply::{Reply, Shown};
use super::source::Source;

/// How many rows are looked at in one go.
const CHUNK: u32 = 500;

/// One page of the source.
pub(super) async fn list(ctx: &Ctx, source: Source) -> Reply<Shown> {
    cast(ctx, source, None).await
}

/// One page of the objects of one type (`…/microsoft.graph.user`), or of all.
pub(super) async fn cast(ctx: &Ctx, source: Source, only: Option<&str>) -> Reply<Shown> {
    let options = ctx.options()?;
    check(&source, &options)?;
    let after = page::after(ctx, &options.bound, options.skip_token.as_deref()).await?;
    let wanted = options.page_size() as usize;
    let (mut found, count) = scan(ctx, &source, &options, only, &after, wanted + 1).await?;
    let mut body = Object::new();
    if let Some(count) = count {
        body.insert("@odata.count".into(), count.into());
    }
    if found.len() > wanted {
        found.truncate(wanted);
        let last = found.last().and_then(id).unwrap_or_default();
        body.insert("@odata.nextLink".into(), page::next_link(ctx, &options.bound, last).await?.into());
    }
    let values = found.into_iter().map(|object| Value::Object(cut(&source, object, options.select.as_deref()))).collect();
    body.insert("value".into(), Value::Array(values));
    Ok(Ctx::plain(ctx.with_context(source.fragment(), body)))
}

/// `…/$count`: a plain number.
pub(super) async fn count(ctx: &Ctx, source: Source) -> Reply<Response> {
    let options = Options { count: true, ..ctx.options()? };
    check(&source, &options)?;
    let (_, count) = scan(ctx, &source, &options, None, "", 0).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain")], count.unwrap_or(0).to_string()).into_response())
}

/// The matching objects after an id, at most so many; and how many there are in all, when that was asked.
async fn scan(
    ctx: &Ctx,
    source: &Source,
    options: &Options,
    only: Option<&str>,
    after: &str,
    most: usize,
) -> Result<(Vec<Object>, Option<usize>), GraphError> {
    let mut reader = ctx.read().await?;
    let mut directory = reader.directory();
    let matches = |object: &Object| {
        let is_type = only.is_none_or(|only| odata_type(object).is_some_and(|name| name.eq_ignore_ascii_case(only)));
        is_type && options.filter.as_ref().is_none_or(|filter| filter.matches(object))
    };
    if let Some(filter) = &options.filter
        && let Some(all) = source.indexed(ctx, &mut directory, filter).await?
    {
        let found: Vec<_> = all.into_iter().filter(matches).collect();
        let count = options.count.then_some(found.len());
        let rest = found.into_iter().filter(|object| id(object).unwrap_or_default() > after).take(most).collect();
        return Ok((rest, count));
    }
    let (mut found, mut count) = (Vec::new(), 0);
    // The count is of everything that matches, wherever the page begins.
    let mut at = if options.count { String::new() } else { after.to_owned() };
    loop {
        let objects = source.page(ctx, &mut directory, PageAfter { after: &at, limit: CHUNK }).await?;
        let Some(last) = objects.last().and_then(id).map(str::to_owned) else { break };
        let is_end = objects.len() < CHUNK as usize;
        for object in objects.into_iter().filter(matches) {
            count += 1;
            if found.len() < most && id(&object).unwrap_or_default() > after {
                found.push(object);
            }
        }
        if is_end || (!options.count && found.len() == most) {
            break;
        }
        at = last;
    }
    Ok((found, options.count.then_some(count)))
}

/// Names of properties have to exist in one of the types that the list holds.
fn check(source: &Source, options: &Options) -> Result<(), GraphError> {
    let entities = source.entities();
    for name in options.filter.iter().flat_map(|filter| filter.properties()) {
        if !entities.iter().any(|entity| entity.property(name).is_some()) {
            let entity = entities.first().map_or("directoryObject", |entity| entity.name);
            let message =
                format!("Unsupported or invalid query filter clause specified for property '{name}' of resource '{entity}'.");
            return Err(GraphError::unsupported(message));
        }
    }
    if let Some(names) = &options.select {
        for name in names {
            let one = std::slice::from_ref(name);
            let known = entities.iter().any(|entity| entity.check_select(Some(one)).is_ok());
            if !known {
                entities.first().map_or(Ok(()), |entity| entity.check_select(Some(one)))?;
            }
        }
    }
    Ok(())
}

/// Cuts an object to what was selected, by the table of its type; the type itself stays.
pub(super) fn cut(source: &Source, mut object: Object, select: Option<&[String]>) -> Object {
    let entities = source.entities();
    let kind = odata_type(&object).map(str::to_owned);
    let entity = entities.iter().find(|entity| kind.as_deref().is_none_or(|kind| kind == entity.odata));
    let Some(entity) = entity else { return object };
    let Some(kind) = object.shift_remove("@odata.type") else { return entity.cut(object, select) };
    let mut shown = Object::new();
    shown.insert("@odata.type".into(), kind);
    shown.extend(entity.cut(object, select));
    shown
}

fn id(object: &Object) -> Option<&str> {
    object.get("id").and_then(Value::as_str)
}

fn odata_type(object: &Object) -> Option<&str> {
    object.get("@odata.type").and_then(Value::as_str)?.strip_prefix("#microsoft.graph.")
}
