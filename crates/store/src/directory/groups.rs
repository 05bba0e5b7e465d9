//! Groups, their direct members and their owners.

use entrance_model::Timestamp;
use entrance_model::directory::{Group, Member};
use entrance_model::id::{GroupId, PrincipalId, TenantId};

use super::{Directory, PageAfter, kind_text, read_kind};
use crate::error::StoreError;
use crate::feed::ChangeKind;
use crate::row::{Row, json_text};
use crate::session::Write;
use crate::sql::statements;

statements! {
    ONE = "SELECT id, display_name, mail_nickname, description, security_enabled, mail_enabled, created, other FROM directory_group WHERE tenant = $1 AND id = $2";
    PAGE = "SELECT id, display_name, mail_nickname, description, security_enabled, mail_enabled, created, other FROM directory_group WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3";
    INSERT = "INSERT INTO directory_group (tenant, id, display_name, mail_nickname, description, security_enabled, mail_enabled, created, other) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    UPDATE = "UPDATE directory_group SET display_name = $3, mail_nickname = $4, description = $5, security_enabled = $6, mail_enabled = $7, other = $8 WHERE tenant = $1 AND id = $2";
    DELETE = "DELETE FROM directory_group WHERE tenant = $1 AND id = $2";
    // Direct edges only.
    MEMBERS = "SELECT member AS id, kind FROM membership WHERE tenant = $1 AND parent = $2 AND member > $3 ORDER BY member LIMIT $4";
    PARENTS = "SELECT parent FROM membership WHERE tenant = $1 AND member = $2 ORDER BY parent";
    // UNION (not UNION ALL) ends at cycles.
    ANCESTORS = "WITH RECURSIVE up (id) AS (SELECT parent FROM membership WHERE tenant = $1 AND member = $2 UNION SELECT m.parent FROM membership m JOIN up ON m.member = up.id WHERE m.tenant = $1) SELECT g.id, g.security_enabled FROM up JOIN directory_group g ON g.tenant = $1 AND g.id = up.id ORDER BY g.id";
    DESCENDANTS = "WITH RECURSIVE down (id, kind) AS (SELECT member, kind FROM membership WHERE tenant = $1 AND parent = $2 UNION SELECT m.member, m.kind FROM membership m JOIN down ON m.parent = down.id WHERE m.tenant = $1) SELECT id, kind FROM down ORDER BY id";
    EDGES = "SELECT parent, member AS id, kind FROM membership WHERE tenant = $1";
    ADD = "INSERT INTO membership (tenant, parent, member, kind) VALUES ($1, $2, $3, $4)";
    REMOVE = "DELETE FROM membership WHERE tenant = $1 AND parent = $2 AND member = $3";
    OWNERS = "SELECT owner AS id, kind FROM ownership WHERE tenant = $1 AND target = $2 ORDER BY owner";
    OWNED = "SELECT target FROM ownership WHERE tenant = $1 AND owner = $2 ORDER BY target";
    ADD_OWNER = "INSERT INTO ownership (tenant, target, owner, kind) VALUES ($1, $2, $3, $4)";
    REMOVE_OWNER = "DELETE FROM ownership WHERE tenant = $1 AND target = $2 AND owner = $3";
}

fn read(row: &Row<'_>) -> Result<Group, StoreError> {
    Ok(Group {
        id: row.parsed("id")?,
        display_name: row.text("display_name")?,
        mail_nickname: row.text("mail_nickname")?,
        description: row.maybe_text("description")?,
        security_enabled: row.flag("security_enabled")?,
        mail_enabled: row.flag("mail_enabled")?,
        created: row.time("created")?,
        other: row.json("other")?,
    })
}

fn read_member(row: &Row<'_>) -> Result<Member, StoreError> {
    Ok(Member { id: row.parsed("id")?, kind: read_kind(row)? })
}

/// A group that something is in, directly or through other groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ancestor {
    /// The group.
    pub id: GroupId,
    /// Whether it can give rights.
    pub security_enabled: bool,
}

impl<M> Directory<'_, M> {
    /// One group.
    pub async fn group(&mut self, tenant: TenantId, id: GroupId) -> Result<Option<Group>, StoreError> {
        let row = sqlx::query(ONE).bind(tenant.to_string()).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read(&Row::of("directory_group", &row))).transpose()
    }

    /// A page of groups, by id.
    pub async fn groups(&mut self, tenant: TenantId, page: PageAfter<'_>) -> Result<Vec<Group>, StoreError> {
        let rows =
            sqlx::query(PAGE).bind(tenant.to_string()).bind(page.after).bind(page.limit).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read(&Row::of("directory_group", row))).collect()
    }

    /// A page of a group's direct members, by id.
    pub async fn members(&mut self, tenant: TenantId, group: GroupId, page: PageAfter<'_>) -> Result<Vec<Member>, StoreError> {
        let rows = sqlx::query(MEMBERS)
            .bind(tenant.to_string())
            .bind(group.to_string())
            .bind(page.after)
            .bind(page.limit)
            .fetch_all(&mut *self.0.conn)
            .await?;
        rows.iter().map(|row| read_member(&Row::of("membership", row))).collect()
    }

    /// The groups that something is a direct member of.
    pub async fn parents(&mut self, tenant: TenantId, member: PrincipalId) -> Result<Vec<GroupId>, StoreError> {
        let rows = sqlx::query(PARENTS).bind(tenant.to_string()).bind(member.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| Row::of("membership", row).parsed("parent")).collect()
    }

    /// The groups that something is in, directly or through other groups, by id. Cycles end.
    pub async fn ancestors(&mut self, tenant: TenantId, member: PrincipalId) -> Result<Vec<Ancestor>, StoreError> {
        let rows = sqlx::query(ANCESTORS).bind(tenant.to_string()).bind(member.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter()
            .map(|row| {
                let row = Row::of("directory_group", row);
                Ok(Ancestor { id: row.parsed("id")?, security_enabled: row.flag("security_enabled")? })
            })
            .collect()
    }

    /// Everything that is in a group, directly or through other groups, by id. Cycles end.
    pub async fn descendants(&mut self, tenant: TenantId, group: GroupId) -> Result<Vec<Member>, StoreError> {
        let rows = sqlx::query(DESCENDANTS).bind(tenant.to_string()).bind(group.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read_member(&Row::of("membership", row))).collect()
    }

    /// Every direct edge of a tenant: (group, member).
    pub async fn edges(&mut self, tenant: TenantId) -> Result<Vec<(GroupId, Member)>, StoreError> {
        let rows = sqlx::query(EDGES).bind(tenant.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter()
            .map(|row| {
                let row = Row::of("membership", row);
                Ok((row.parsed("parent")?, read_member(&row)?))
            })
            .collect()
    }

    /// The owners of a group, an application or a service principal.
    pub async fn owners(&mut self, tenant: TenantId, target: &str) -> Result<Vec<Member>, StoreError> {
        let rows = sqlx::query(OWNERS).bind(tenant.to_string()).bind(target).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read_member(&Row::of("ownership", row))).collect()
    }

    /// The object ids of what somebody owns.
    pub async fn owned(&mut self, tenant: TenantId, owner: PrincipalId) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query(OWNED).bind(tenant.to_string()).bind(owner.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| Row::of("ownership", row).text("target")).collect()
    }
}

impl Directory<'_, Write> {
    /// Makes a group.
    pub async fn insert_group(&mut self, tenant: TenantId, group: &Group) -> Result<(), StoreError> {
        self.check_id(&group.id.to_string()).await?;
        sqlx::query(INSERT)
            .bind(tenant.to_string())
            .bind(group.id.to_string())
            .bind(&group.display_name)
            .bind(&group.mail_nickname)
            .bind(&group.description)
            .bind(group.security_enabled)
            .bind(group.mail_enabled)
            .bind(group.created.as_microsecond())
            .bind(json_text(&group.other))
            .execute(&mut *self.0.conn)
            .await
            .map_err(|e| StoreError::from(e).naming("group"))?;
        self.0.changed(ChangeKind::Group, tenant, group.id);
        Ok(())
    }

    /// Changes a group; the id and the time of creation stay.
    pub async fn update_group(&mut self, tenant: TenantId, group: &Group) -> Result<(), StoreError> {
        sqlx::query(UPDATE)
            .bind(tenant.to_string())
            .bind(group.id.to_string())
            .bind(&group.display_name)
            .bind(&group.mail_nickname)
            .bind(&group.description)
            .bind(group.security_enabled)
            .bind(group.mail_enabled)
            .bind(json_text(&group.other))
            .execute(&mut *self.0.conn)
            .await?;
        self.0.changed(ChangeKind::Group, tenant, group.id);
        Ok(())
    }

    /// Deletes a group with its edges. Its id is never used again.
    pub async fn delete_group(&mut self, tenant: TenantId, group: &Group, now: Timestamp) -> Result<(), StoreError> {
        let id = group.id.to_string();
        sqlx::query(DELETE).bind(tenant.to_string()).bind(&id).execute(&mut *self.0.conn).await?;
        self.retire(tenant, &id, "group", &group.display_name, now).await?;
        self.0.changed(ChangeKind::Group, tenant, id);
        Ok(())
    }

    /// Adds a direct member. [`StoreError::Exists`] when it is one already.
    pub async fn add_member(&mut self, tenant: TenantId, group: GroupId, member: Member) -> Result<(), StoreError> {
        sqlx::query(ADD)
            .bind(tenant.to_string())
            .bind(group.to_string())
            .bind(member.id.to_string())
            .bind(kind_text(member.kind))
            .execute(&mut *self.0.conn)
            .await
            .map_err(|e| StoreError::from(e).naming("members"))?;
        self.0.changed(ChangeKind::Membership, tenant, group);
        Ok(())
    }

    /// Removes a direct member; `false` when it was none.
    pub async fn remove_member(&mut self, tenant: TenantId, group: GroupId, member: PrincipalId) -> Result<bool, StoreError> {
        let done = sqlx::query(REMOVE)
            .bind(tenant.to_string())
            .bind(group.to_string())
            .bind(member.to_string())
            .execute(&mut *self.0.conn)
            .await?;
        self.0.changed(ChangeKind::Membership, tenant, group);
        Ok(done.rows_affected() > 0)
    }

    /// Adds an owner. [`StoreError::Exists`] when it is one already.
    pub async fn add_owner(&mut self, tenant: TenantId, target: &str, owner: Member) -> Result<(), StoreError> {
        sqlx::query(ADD_OWNER)
            .bind(tenant.to_string())
            .bind(target)
            .bind(owner.id.to_string())
            .bind(kind_text(owner.kind))
            .execute(&mut *self.0.conn)
            .await
            .map_err(|e| StoreError::from(e).naming("owners"))?;
        Ok(())
    }

    /// Removes an owner; `false` when it was none.
    pub async fn remove_owner(&mut self, tenant: TenantId, target: &str, owner: PrincipalId) -> Result<bool, StoreError> {
        let done = sqlx::query(REMOVE_OWNER)
            .bind(tenant.to_string())
            .bind(target)
            .bind(owner.to_string())
            .execute(&mut *self.0.conn)
            .await?;
        Ok(done.rows_affected() > 0)
    }
}
