//! Break-glass doors (DESIGN 5.2): a named, short-lived certificate, worth something only while the door is open.

use jiff::Timestamp;

use crate::id::{ClusterUid, DoorId, PrincipalId, TenantId};

/// One opening of a cluster's door, for one holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Its id, part of the group in the certificate.
    pub id: DoorId,
    /// The cluster's tenant.
    pub tenant: TenantId,
    /// Which cluster.
    pub cluster: ClusterUid,
    /// Who holds the certificate.
    pub holder: PrincipalId,
    /// The certificate, PEM; its key is kept sealed.
    pub certificate: String,
    /// Since when.
    pub opened: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// When somebody closed it before its time.
    pub closed: Option<Timestamp>,
}

impl Door {
    /// Whether the certificate is good for something now.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.closed.is_none() && now < self.until
    }

    /// The group that the binding in the cluster names.
    pub fn group(id: DoorId) -> String {
        format!("entrance:break-glass:{id}")
    }

    /// The user name in the certificate.
    pub fn user(holder: PrincipalId) -> String {
        format!("breakglass:{holder}")
    }
}
