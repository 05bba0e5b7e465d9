//! The token service: who signs in how, and what their tokens say.

pub mod bearer;
pub mod keys;
pub mod resources;
pub mod token;

use std::sync::Arc;

use axum::Router;

use crate::app::App;

/// The routes of the token service.
pub(crate) fn router(app: &Arc<App>) -> Router {
    Router::new().with_state(Arc::clone(app))
}
