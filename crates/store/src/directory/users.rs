//! People.

use entrance_model::Timestamp;
use entrance_model::directory::User;
use entrance_model::id::{TenantId, UserId};
use entrance_model::name::Upn;

use super::{Directory, PageAfter};
use crate::authority::grants;
use crate::error::StoreError;
use crate::feed::ChangeKind;
use crate::row::{Row, json_text};
use crate::session::Write;
use crate::sql::statements;

statements! {
    ONE = "SELECT id, upn, display_name, mail_nickname, given_name, surname, mail, enabled, must_change_password, sessions_valid_from, is_directory_admin, created, other FROM directory_user WHERE tenant = $1 AND id = $2";
    BY_UPN = "SELECT id, upn, display_name, mail_nickname, given_name, surname, mail, enabled, must_change_password, sessions_valid_from, is_directory_admin, created, other FROM directory_user WHERE tenant = $1 AND upn = $2";
    PAGE = "SELECT id, upn, display_name, mail_nickname, given_name, surname, mail, enabled, must_change_password, sessions_valid_from, is_directory_admin, created, other FROM directory_user WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3";
    OTHER_ADMINISTRATORS = "SELECT count(*) AS n FROM directory_user WHERE tenant = $1 AND is_directory_admin = 1 AND enabled = 1 AND id <> $2";
    PASSWORD = "SELECT password_hash FROM directory_user WHERE tenant = $1 AND id = $2";
    INSERT = "INSERT INTO directory_user (tenant, id, upn, display_name, mail_nickname, given_name, surname, mail, enabled, must_change_password, sessions_valid_from, is_directory_admin, created, other) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    UPDATE = "UPDATE directory_user SET upn = $3, display_name = $4, mail_nickname = $5, given_name = $6, surname = $7, mail = $8, enabled = $9, must_change_password = $10, sessions_valid_from = $11, is_directory_admin = $12, other = $13 WHERE tenant = $1 AND id = $2";
    SET_PASSWORD = "UPDATE directory_user SET password_hash = $3 WHERE tenant = $1 AND id = $2";
    DELETE = "DELETE FROM directory_user WHERE tenant = $1 AND id = $2";
}

fn read(row: &Row<'_>) -> Result<User, StoreError> {
    Ok(User {
        id: row.parsed("id")?,
        upn: row.parsed("upn")?,
        display_name: row.text("display_name")?,
        mail_nickname: row.text("mail_nickname")?,
        given_name: row.maybe_text("given_name")?,
        surname: row.maybe_text("surname")?,
        mail: row.maybe_text("mail")?,
        enabled: row.flag("enabled")?,
        must_change_password: row.flag("must_change_password")?,
        sessions_valid_from: row.time("sessions_valid_from")?,
        is_directory_admin: row.flag("is_directory_admin")?,
        created: row.time("created")?,
        other: row.json("other")?,
    })
}

impl<M> Directory<'_, M> {
    /// One person.
    pub async fn user(&mut self, tenant: TenantId, id: UserId) -> Result<Option<User>, StoreError> {
        let row = sqlx::query(ONE).bind(tenant.to_string()).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read(&Row::of("directory_user", &row))).transpose()
    }

    /// The person with this name.
    pub async fn user_by_upn(&mut self, tenant: TenantId, upn: &Upn) -> Result<Option<User>, StoreError> {
        let row = sqlx::query(BY_UPN).bind(tenant.to_string()).bind(upn.as_str()).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read(&Row::of("directory_user", &row))).transpose()
    }

    /// A page of people, by id.
    pub async fn users(&mut self, tenant: TenantId, page: PageAfter<'_>) -> Result<Vec<User>, StoreError> {
        let rows =
            sqlx::query(PAGE).bind(tenant.to_string()).bind(page.after).bind(page.limit).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read(&Row::of("directory_user", row))).collect()
    }

    /// How many enabled people besides this one administer the directory.
    pub async fn other_administrators(&mut self, tenant: TenantId, id: UserId) -> Result<i64, StoreError> {
        let row =
            sqlx::query(OTHER_ADMINISTRATORS).bind(tenant.to_string()).bind(id.to_string()).fetch_one(&mut *self.0.conn).await?;
        Row::of("directory_user", &row).int("n")
    }

    /// The password hash (PHC string) of a person who has a password.
    pub async fn password_hash(&mut self, tenant: TenantId, id: UserId) -> Result<Option<String>, StoreError> {
        let row = sqlx::query(PASSWORD).bind(tenant.to_string()).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        row.map_or(Ok(None), |row| Row::of("directory_user", &row).maybe_text("password_hash"))
    }
}

impl Directory<'_, Write> {
    /// Makes a person, unless the name is held for another object, or the id was one's that is gone.
    pub async fn insert_user(&mut self, tenant: TenantId, user: &User) -> Result<(), StoreError> {
        self.check_id(&user.id.to_string()).await?;
        self.check_name(tenant, user.upn.as_str(), user.id.into()).await?;
        sqlx::query(INSERT)
            .bind(tenant.to_string())
            .bind(user.id.to_string())
            .bind(user.upn.as_str())
            .bind(&user.display_name)
            .bind(&user.mail_nickname)
            .bind(&user.given_name)
            .bind(&user.surname)
            .bind(&user.mail)
            .bind(user.enabled)
            .bind(user.must_change_password)
            .bind(user.sessions_valid_from.as_microsecond())
            .bind(user.is_directory_admin)
            .bind(user.created.as_microsecond())
            .bind(json_text(&user.other))
            .execute(&mut *self.0.conn)
            .await
            .map_err(|e| StoreError::from(e).naming("userPrincipalName"))?;
        self.0.changed(ChangeKind::User, tenant, user.id);
        Ok(())
    }

    /// Changes a person; the id and the time of creation stay. A name that is held for another object is refused.
    pub async fn update_user(&mut self, tenant: TenantId, user: &User) -> Result<(), StoreError> {
        self.check_name(tenant, user.upn.as_str(), user.id.into()).await?;
        sqlx::query(UPDATE)
            .bind(tenant.to_string())
            .bind(user.id.to_string())
            .bind(user.upn.as_str())
            .bind(&user.display_name)
            .bind(&user.mail_nickname)
            .bind(&user.given_name)
            .bind(&user.surname)
            .bind(&user.mail)
            .bind(user.enabled)
            .bind(user.must_change_password)
            .bind(user.sessions_valid_from.as_microsecond())
            .bind(user.is_directory_admin)
            .bind(json_text(&user.other))
            .execute(&mut *self.0.conn)
            .await
            .map_err(|e| StoreError::from(e).naming("userPrincipalName"))?;
        self.0.changed(ChangeKind::User, tenant, user.id);
        Ok(())
    }

    /// Sets the password hash (PHC string).
    pub async fn set_password_hash(&mut self, tenant: TenantId, id: UserId, hash: &str) -> Result<(), StoreError> {
        sqlx::query(SET_PASSWORD).bind(tenant.to_string()).bind(id.to_string()).bind(hash).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Deletes a person with their memberships. Their id is never used again.
    pub async fn delete_user(&mut self, tenant: TenantId, user: &User, now: Timestamp) -> Result<(), StoreError> {
        let id = user.id.to_string();
        grants::forget(&mut self.0, tenant, &id).await?;
        sqlx::query(DELETE).bind(tenant.to_string()).bind(&id).execute(&mut *self.0.conn).await?;
        self.retire(tenant, &id, "user", user.upn.as_str(), now).await?;
        self.0.changed(ChangeKind::User, tenant, id);
        Ok(())
    }
}
