//! Role assignments.

use entrance_model::access::{Assignment, Condition};
use entrance_model::arm::Scope;
use entrance_model::id::{AssignmentId, PrincipalId, RoleId, TenantId};
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;

use super::Arm;
use crate::error::StoreError;
use crate::feed::ChangeKind;
use crate::row::Row;
use crate::session::{Scope as Session, Write};
use crate::sql::statements;

statements! {
    EVERY = "SELECT * FROM role_assignment WHERE tenant = $1 ORDER BY scope_key, id";
    // The caller's own and those of their groups. The order of the join is told, so that the index on principals is walked
    // and the cost depends on what the caller holds, not on how many assignments there are.
    HELD = "WITH RECURSIVE up (id) AS (SELECT parent FROM membership WHERE tenant = $1 AND member = $2 UNION SELECT m.parent FROM membership m JOIN up ON m.member = up.id WHERE m.tenant = $1), who (id) AS (SELECT $2 UNION ALL SELECT g.id FROM up JOIN directory_group g ON g.tenant = $1 AND g.id = up.id WHERE g.security_enabled = 1) SELECT a.* FROM who CROSS JOIN role_assignment a WHERE a.tenant = $1 AND a.principal = who.id ORDER BY a.scope_key, a.id";
    OF_PRINCIPAL = "SELECT * FROM role_assignment WHERE tenant = $1 AND principal = $2 ORDER BY scope_key, id";
    OF_ROLE = "SELECT * FROM role_assignment WHERE tenant = $1 AND role = $2 ORDER BY scope_key, id";
    AT = "SELECT * FROM role_assignment WHERE tenant = $1 AND scope_key = $2 ORDER BY id";
    // `0` is the character after `/`.
    UNDER = "SELECT * FROM role_assignment WHERE tenant = $1 AND scope_key > $2 || '/' AND scope_key < $2 || '0' ORDER BY scope_key, id";
    ONE = "SELECT * FROM role_assignment WHERE tenant = $1 AND id = $2";
    SAME = "SELECT * FROM role_assignment WHERE tenant = $1 AND scope_key = $2 AND principal = $3 AND role = $4";
    INSERT = "INSERT INTO role_assignment (id, tenant, scope_key, scope, role, principal, principal_type, description, condition, created, created_by, updated, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    UPDATE = "UPDATE role_assignment SET description = $3, condition = $4, updated = $5, updated_by = $6 WHERE tenant = $1 AND id = $2";
    DELETE = "DELETE FROM role_assignment WHERE tenant = $1 AND id = $2";
    DROP_PRINCIPAL = "DELETE FROM role_assignment WHERE tenant = $1 AND principal = $2";
    BELOW = "DELETE FROM role_assignment WHERE tenant = $1 AND (scope_key = $2 OR substr(scope_key, 1, length($2) + 1) = $2 || '/')";
}

fn read(row: &Row<'_>) -> Result<Assignment, StoreError> {
    Ok(Assignment {
        id: row.parsed("id")?,
        tenant: row.parsed("tenant")?,
        scope: row.parsed("scope")?,
        role: row.parsed("role")?,
        principal: row.parsed("principal")?,
        principal_type: row.parsed("principal_type")?,
        description: row.maybe_text("description")?,
        condition: row.maybe_text("condition")?.map(Condition::kept),
        created: row.time("created")?,
        created_by: row.maybe_parsed("created_by")?,
        updated: row.time("updated")?,
        updated_by: row.maybe_parsed("updated_by")?,
    })
}

impl<M> Arm<'_, M> {
    /// All role assignments of a tenant, by scope.
    pub async fn assignments(&mut self, tenant: TenantId) -> Result<Vec<Assignment>, StoreError> {
        self.some(sqlx::query(EVERY).bind(tenant.to_string())).await
    }

    /// The role assignments that somebody holds, themselves and through security groups, nested ones included; by scope.
    pub async fn assignments_held(&mut self, tenant: TenantId, holder: PrincipalId) -> Result<Vec<Assignment>, StoreError> {
        self.some(sqlx::query(HELD).bind(tenant.to_string()).bind(holder.to_string())).await
    }

    /// The role assignments of exactly this principal, by scope.
    pub async fn assignments_of(&mut self, tenant: TenantId, principal: PrincipalId) -> Result<Vec<Assignment>, StoreError> {
        self.some(sqlx::query(OF_PRINCIPAL).bind(tenant.to_string()).bind(principal.to_string())).await
    }

    /// Where and to whom a role is assigned.
    pub async fn assignments_of_role(&mut self, tenant: TenantId, role: RoleId) -> Result<Vec<Assignment>, StoreError> {
        self.some(sqlx::query(OF_ROLE).bind(tenant.to_string()).bind(role.to_string())).await
    }

    /// The role assignments at exactly this scope.
    pub async fn assignments_at(&mut self, tenant: TenantId, scope: &Scope) -> Result<Vec<Assignment>, StoreError> {
        self.some(sqlx::query(AT).bind(tenant.to_string()).bind(scope.key())).await
    }

    /// The role assignments below this scope, by address; below `/` are all others.
    pub async fn assignments_under(&mut self, tenant: TenantId, scope: &Scope) -> Result<Vec<Assignment>, StoreError> {
        let key = if scope.is_root() { "" } else { scope.key() };
        let mut found = self.some(sqlx::query(UNDER).bind(tenant.to_string()).bind(key)).await?;
        found.retain(|assignment| !assignment.scope.is_root());
        Ok(found)
    }

    async fn some(&mut self, query: Query<'_, Sqlite, SqliteArguments>) -> Result<Vec<Assignment>, StoreError> {
        let rows = query.fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read(&Row::of("role_assignment", row))).collect()
    }

    /// One role assignment by its name.
    pub async fn assignment(&mut self, tenant: TenantId, id: AssignmentId) -> Result<Option<Assignment>, StoreError> {
        let row = sqlx::query(ONE).bind(tenant.to_string()).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read(&Row::of("role_assignment", &row))).transpose()
    }

    /// The assignment of this role to this principal at exactly this scope.
    pub async fn assignment_like(
        &mut self,
        tenant: TenantId,
        scope: &Scope,
        principal: PrincipalId,
        role: RoleId,
    ) -> Result<Option<Assignment>, StoreError> {
        let row = sqlx::query(SAME)
            .bind(tenant.to_string())
            .bind(scope.key())
            .bind(principal.to_string())
            .bind(role.to_string())
            .fetch_optional(&mut *self.0.conn)
            .await?;
        row.map(|row| read(&Row::of("role_assignment", &row))).transpose()
    }
}

impl Arm<'_, Write> {
    /// Keeps a new role assignment. [`StoreError::Exists`] when the name or the right is there already.
    pub async fn insert_assignment(&mut self, assignment: &Assignment) -> Result<(), StoreError> {
        sqlx::query(INSERT)
            .bind(assignment.id.to_string())
            .bind(assignment.tenant.to_string())
            .bind(assignment.scope.key())
            .bind(assignment.scope.as_str())
            .bind(assignment.role.to_string())
            .bind(assignment.principal.to_string())
            .bind(assignment.principal_type.as_str())
            .bind(&assignment.description)
            .bind(assignment.condition.as_ref().map(Condition::as_str))
            .bind(assignment.created.as_microsecond())
            .bind(assignment.created_by.map(|id| id.to_string()))
            .bind(assignment.updated.as_microsecond())
            .bind(assignment.updated_by.map(|id| id.to_string()))
            .execute(&mut *self.0.conn)
            .await
            .map_err(|e| StoreError::from(e).naming("role assignment"))?;
        self.0.changed(ChangeKind::Access, assignment.tenant, assignment.id);
        Ok(())
    }

    /// Changes what can be changed of a role assignment: its description and condition.
    pub async fn update_assignment(&mut self, assignment: &Assignment) -> Result<(), StoreError> {
        sqlx::query(UPDATE)
            .bind(assignment.tenant.to_string())
            .bind(assignment.id.to_string())
            .bind(&assignment.description)
            .bind(assignment.condition.as_ref().map(Condition::as_str))
            .bind(assignment.updated.as_microsecond())
            .bind(assignment.updated_by.map(|id| id.to_string()))
            .execute(&mut *self.0.conn)
            .await?;
        self.0.changed(ChangeKind::Access, assignment.tenant, assignment.id);
        Ok(())
    }

    /// Takes a role away.
    pub async fn delete_assignment(&mut self, assignment: &Assignment) -> Result<(), StoreError> {
        sqlx::query(DELETE)
            .bind(assignment.tenant.to_string())
            .bind(assignment.id.to_string())
            .execute(&mut *self.0.conn)
            .await?;
        self.0.changed(ChangeKind::Access, assignment.tenant, assignment.id);
        Ok(())
    }

    /// Takes away every right that was given at a place and below it, when the place is gone.
    pub async fn delete_assignments_below(&mut self, tenant: TenantId, scope: &Scope) -> Result<(), StoreError> {
        let done = sqlx::query(BELOW).bind(tenant.to_string()).bind(scope.key()).execute(&mut *self.0.conn).await?;
        if done.rows_affected() > 0 {
            self.0.changed(ChangeKind::Access, tenant, scope.key());
        }
        self.delete_denials_below(tenant, scope).await
    }
}

/// Takes every right from a principal that is deleted, as its id will never mean anybody again.
pub(crate) async fn forget(session: &mut Session<'_, Write>, tenant: TenantId, principal: &str) -> Result<(), StoreError> {
    let done = sqlx::query(DROP_PRINCIPAL).bind(tenant.to_string()).bind(principal).execute(&mut *session.conn).await?;
    if done.rows_affected() > 0 {
        session.changed(ChangeKind::Access, tenant, principal);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use entrance_model::Timestamp;
    use entrance_model::access::PrincipalType;
    use entrance_model::directory::{Member, MemberKind};
    use uuid::Uuid;

    use super::*;
    use crate::tests::{group, store, tenant};

    fn given(tenant: TenantId, principal: PrincipalId, scope: &str) -> Assignment {
        Assignment {
            id: AssignmentId::from_uuid(Uuid::new_v4()),
            tenant,
            scope: scope.parse().expect("a scope"),
            role: RoleId::from_uuid(Uuid::from_u128(1)),
            principal,
            principal_type: PrincipalType::Group,
            description: None,
            condition: Some(Condition::kept("no condition at all".to_owned())),
            created: Timestamp::UNIX_EPOCH,
            created_by: None,
            updated: Timestamp::UNIX_EPOCH,
            updated_by: None,
        }
    }

    #[tokio::test]
    async fn r_344_what_is_held_comes_through_security_groups_and_goes_with_them() {
        let (_dir, store) = store().await;
        let tenant = tenant();
        let (outer, inner, mut post) = (group("outer"), group("inner"), group("post"));
        post.security_enabled = false;
        let person = PrincipalId::from_uuid(Uuid::new_v4());
        let mut tx = store.write().await.expect("begins");
        tx.directory().insert_tenant(&tenant).await.expect("is kept");
        for group in [&outer, &inner, &post] {
            tx.directory().insert_group(tenant.id, group).await.expect("is kept");
        }
        let member = |id, kind| Member { id, kind };
        tx.directory().add_member(tenant.id, outer.id, member(inner.id.into(), MemberKind::Group)).await.expect("joins");
        for group in [&inner, &post] {
            tx.directory().add_member(tenant.id, group.id, member(person, MemberKind::User)).await.expect("joins");
        }
        for (principal, scope) in
            [(person, "/"), (outer.id.into(), "/"), (post.id.into(), "/"), (PrincipalId::from_uuid(Uuid::new_v4()), "/")]
        {
            tx.arm().insert_assignment(&given(tenant.id, principal, scope)).await.expect("is kept");
        }
        tx.commit().await.expect("commits");
        let held = async || {
            let found = store.read().await.expect("reads").arm().assignments_held(tenant.id, person).await.expect("is there");
            found.into_iter().map(|a| a.principal).collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(held().await, [person, outer.id.into()].into());
        let mut tx = store.write().await.expect("begins");
        tx.directory().delete_group(tenant.id, &outer, Timestamp::UNIX_EPOCH).await.expect("goes");
        tx.commit().await.expect("commits");
        assert_eq!(held().await, [person].into());
        let left = store.read().await.expect("reads").arm().assignments(tenant.id).await.expect("is there");
        assert_eq!(left.len(), 3, "the deleted group's right is gone");
    }

    #[tokio::test]
    async fn r_343_below_a_scope_is_what_begins_with_it_and_a_slash() {
        let (_dir, store) = store().await;
        let tenant = tenant();
        let mut tx = store.write().await.expect("begins");
        tx.directory().insert_tenant(&tenant).await.expect("is kept");
        let s = "/subscriptions/22222222-bbbb-4bbb-8bbb-00000000000a";
        let (a, below, beside) = (
            format!("{s}/resourceGroups/a"),
            format!("{s}/resourceGroups/A/providers/x.y/z/1"),
            format!("{s}/resourceGroups/a0"),
        );
        for scope in ["/", s, &a, &below, &beside] {
            let principal = PrincipalId::from_uuid(Uuid::new_v4());
            tx.arm().insert_assignment(&given(tenant.id, principal, scope)).await.expect("is kept");
        }
        tx.commit().await.expect("commits");
        let mut reader = store.read().await.expect("reads");
        let mut under = async |scope: &str| {
            reader.arm().assignments_under(tenant.id, &scope.parse().expect("a scope")).await.expect("is there").len()
        };
        assert_eq!([under("/").await, under(s).await, under(&a).await, under(&below).await], [4, 3, 1, 0]);
        assert_eq!(reader.arm().assignments_at(tenant.id, &a.parse().expect("a scope")).await.expect("is there").len(), 1);
    }
}
