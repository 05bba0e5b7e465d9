//! The resource manager.

use std::sync::Arc;

use axum::Router;

use crate::app::App;

/// The routes of this surface.
pub(crate) fn router(app: &Arc<App>) -> Router {
    Router::new().with_state(Arc::clone(app))
}
