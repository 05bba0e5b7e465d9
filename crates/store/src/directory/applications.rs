//! Application registrations, with their credentials and identifier URIs.

use entrance_model::Timestamp;
use entrance_model::directory::Application;
use entrance_model::id::{AppId, AppObjectId, TenantId};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Directory, PageAfter};
use crate::error::StoreError;
use crate::feed::ChangeKind;
use crate::row::{Row, json_text};
use crate::session::Write;
use crate::sql::statements;

statements! {
    ONE = "SELECT tenant, id, app_id, display_name, redirects, is_public_client, token_version, created, other FROM application WHERE tenant = $1 AND id = $2";
    BY_APP_ID = "SELECT tenant, id, app_id, display_name, redirects, is_public_client, token_version, created, other FROM application WHERE tenant = $1 AND app_id = $2";
    BY_URI = "SELECT a.tenant, a.id, a.app_id, a.display_name, a.redirects, a.is_public_client, a.token_version, a.created, a.other FROM identifier_uri u JOIN application a ON a.tenant = u.tenant AND a.id = u.application WHERE u.tenant = $1 AND u.uri = $2";
    PAGE = "SELECT tenant, id, app_id, display_name, redirects, is_public_client, token_version, created, other FROM application WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3";
    URIS = "SELECT uri FROM identifier_uri WHERE tenant = $1 AND application = $2 ORDER BY ord";
    INSERT = "INSERT INTO application (tenant, id, app_id, display_name, redirects, is_public_client, token_version, created, other) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    UPDATE = "UPDATE application SET display_name = $3, redirects = $4, is_public_client = $5, token_version = $6, other = $7 WHERE tenant = $1 AND id = $2";
    DELETE = "DELETE FROM application WHERE tenant = $1 AND id = $2";
    DROP_URIS = "DELETE FROM identifier_uri WHERE tenant = $1 AND application = $2";
    ADD_URI = "INSERT INTO identifier_uri (tenant, uri, application, ord) VALUES ($1, $2, $3, $4)";
}

fn read(row: &Row<'_>) -> Result<Application, StoreError> {
    let version = row.int("token_version")?;
    Ok(Application {
        id: row.parsed("id")?,
        app_id: row.parsed("app_id")?,
        display_name: row.text("display_name")?,
        identifier_uris: Vec::new(),
        redirects: row.json("redirects")?,
        is_public_client: row.flag("is_public_client")?,
        token_version: u8::try_from(version).unwrap_or(1),
        credentials: Vec::new(),
        created: row.time("created")?,
        other: row.json("other")?,
    })
}

impl<M> Directory<'_, M> {
    /// One application by its object id.
    pub async fn application(&mut self, tenant: TenantId, id: AppObjectId) -> Result<Option<Application>, StoreError> {
        let row = sqlx::query(ONE).bind(tenant.to_string()).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        self.complete(tenant, row.as_ref()).await
    }

    /// One application by its client id.
    pub async fn application_by_app_id(&mut self, tenant: TenantId, app: AppId) -> Result<Option<Application>, StoreError> {
        let row = sqlx::query(BY_APP_ID).bind(tenant.to_string()).bind(app.to_string()).fetch_optional(&mut *self.0.conn).await?;
        self.complete(tenant, row.as_ref()).await
    }

    /// One application by an identifier URI (exact).
    pub async fn application_by_uri(&mut self, tenant: TenantId, uri: &str) -> Result<Option<Application>, StoreError> {
        let row = sqlx::query(BY_URI).bind(tenant.to_string()).bind(uri).fetch_optional(&mut *self.0.conn).await?;
        self.complete(tenant, row.as_ref()).await
    }

    /// A page of applications, by object id.
    pub async fn applications(&mut self, tenant: TenantId, page: PageAfter<'_>) -> Result<Vec<Application>, StoreError> {
        let rows =
            sqlx::query(PAGE).bind(tenant.to_string()).bind(page.after).bind(page.limit).fetch_all(&mut *self.0.conn).await?;
        let mut applications = Vec::with_capacity(rows.len());
        for row in &rows {
            applications.extend(self.complete(tenant, Some(row)).await?);
        }
        Ok(applications)
    }

    async fn complete(&mut self, tenant: TenantId, row: Option<&SqliteRow>) -> Result<Option<Application>, StoreError> {
        let Some(row) = row else { return Ok(None) };
        let mut application = read(&Row::of("application", row))?;
        let id = application.id.to_string();
        let uris = sqlx::query(URIS).bind(tenant.to_string()).bind(&id).fetch_all(&mut *self.0.conn).await?;
        application.identifier_uris = uris.iter().map(|row| row.try_get("uri")).collect::<Result<_, _>>()?;
        application.credentials = self.credentials(tenant, &id).await?;
        Ok(Some(application))
    }
}

impl Directory<'_, Write> {
    /// Makes an application with its credentials.
    pub async fn insert_application(&mut self, tenant: TenantId, app: &Application) -> Result<(), StoreError> {
        sqlx::query(INSERT)
            .bind(tenant.to_string())
            .bind(app.id.to_string())
            .bind(app.app_id.to_string())
            .bind(&app.display_name)
            .bind(json_text(&app.redirects))
            .bind(app.is_public_client)
            .bind(i64::from(app.token_version))
            .bind(app.created.as_microsecond())
            .bind(json_text(&app.other))
            .execute(&mut *self.0.conn)
            .await
            .map_err(|e| StoreError::from(e).naming("appId"))?;
        self.keep_parts(tenant, app).await
    }

    /// Changes an application and replaces its credentials and identifier URIs; ids and time of creation stay.
    pub async fn update_application(&mut self, tenant: TenantId, app: &Application) -> Result<(), StoreError> {
        sqlx::query(UPDATE)
            .bind(tenant.to_string())
            .bind(app.id.to_string())
            .bind(&app.display_name)
            .bind(json_text(&app.redirects))
            .bind(app.is_public_client)
            .bind(i64::from(app.token_version))
            .bind(json_text(&app.other))
            .execute(&mut *self.0.conn)
            .await?;
        self.keep_parts(tenant, app).await
    }

    async fn keep_parts(&mut self, tenant: TenantId, app: &Application) -> Result<(), StoreError> {
        let id = app.id.to_string();
        sqlx::query(DROP_URIS).bind(tenant.to_string()).bind(&id).execute(&mut *self.0.conn).await?;
        for (ord, uri) in (0_i64..).zip(&app.identifier_uris) {
            sqlx::query(ADD_URI)
                .bind(tenant.to_string())
                .bind(uri)
                .bind(&id)
                .bind(ord)
                .execute(&mut *self.0.conn)
                .await
                .map_err(|e| StoreError::from(e).naming("identifierUris"))?;
        }
        self.replace_credentials(tenant, &id, &app.credentials).await?;
        self.0.changed(ChangeKind::Application, tenant, app.id);
        Ok(())
    }

    /// Deletes an application with its credentials. Its id is never used again. Its service principal is deleted apart.
    pub async fn delete_application(&mut self, tenant: TenantId, app: &Application, now: Timestamp) -> Result<(), StoreError> {
        let id = app.id.to_string();
        sqlx::query(DROP_URIS).bind(tenant.to_string()).bind(&id).execute(&mut *self.0.conn).await?;
        self.replace_credentials(tenant, &id, &[]).await?;
        sqlx::query(DELETE).bind(tenant.to_string()).bind(&id).execute(&mut *self.0.conn).await?;
        self.retire(tenant, &id, "application", &app.app_id.to_string(), now).await?;
        self.0.changed(ChangeKind::Application, tenant, id);
        Ok(())
    }
}
