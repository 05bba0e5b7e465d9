//! The driver of control planes on this machine: steps of the resource manager become steps of [`local`].

mod care;
mod doors;
mod left_behind;
mod rotate;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use entrance_model::Timestamp;
use entrance_model::cluster::door::{LeftBehind, Refused, Severed};
use entrance_model::cluster::{Cluster, Condition, Door, Endpoint, Observed, Pool, Spec, Stage, Step, Versions};
use entrance_model::id::{ClusterUid, DoorId, PrincipalId};

use super::driver::{Certificate, Doing, Driver, DriverError, Shutting};
use super::incluster::{self, Reconcilers};
use super::local::{self, Planes, WebhookAccess};
use super::renewal::Renewal;

/// What a control plane has to have reached to be called ready.
const READY: &[local::Step] = &[local::Step::Ready, local::Step::Rbac, local::Step::Controllers, local::Step::Nodes];

/// Gives a cluster its way to our webhooks: address, authority and a client certificate.
pub type WebhookDoor = Arc<dyn Fn(ClusterUid, Timestamp) -> Result<WebhookAccess, String> + Send + Sync>;

/// Control planes that this server starts.
pub struct OnThisMachine {
    planes: Arc<Planes>,
    webhook: WebhookDoor,
    clock: local::Clock,
    keeper: Reconcilers,
}

impl OnThisMachine {
    /// Over the control planes of one folder.
    pub fn new(planes: Arc<Planes>, webhook: WebhookDoor, clock: local::Clock, keeper: Reconcilers) -> Self {
        Self { planes, webhook, clock, keeper }
    }

    fn spec(&self, cluster: &Cluster, spec: &Spec) -> Result<local::Spec, DriverError> {
        let webhook = (self.webhook)(cluster.uid, (self.clock)()).map_err(DriverError::ControlPlane)?;
        let mut wanted = local::Spec::new(
            cluster.uid,
            cluster.address.name.as_str(),
            local::Pool { prefix: String::new(), count: 0 },
            webhook,
        );
        wanted.pools = pools(cluster.uid, &spec.pools);
        Ok(wanted)
    }

    async fn look(&self, cluster: &Cluster) -> Result<Observed, DriverError> {
        let home = self.planes.home(cluster.uid);
        let lives = self.planes.lives(cluster.uid).map_err(|error| whole_story(&error))?;
        if !home.dir().exists() {
            return Ok(Observed { lives, ..Observed::default() });
        }
        let Some(record) = home.record().map_err(|error| whole_story(&error))? else {
            return Ok(Observed { stage: Stage::Incomplete, lives, ..Observed::default() });
        };
        let progress = self.planes.observe(cluster.uid).await;
        // The record says that it shall run only after keys and configuration were written, and no longer when it was stopped.
        let stage = match progress {
            _ if !record.running => Stage::Incomplete,
            Some(progress) if READY.iter().all(|step| progress.reached(*step)) => Stage::Ready,
            Some(progress) if progress.reached(local::Step::ApiServer) => Stage::Running,
            _ => Stage::Prepared,
        };
        let admins = match stage {
            Stage::Ready => Some(
                incluster::admins(&self.operator(cluster).await?).await.map_err(|error| whole_story(&error))?.unwrap_or_default(),
            ),
            _ => None,
        };
        let keys = self.planes.keys(cluster.uid).map_err(|error| whole_story(&error))?;
        Ok(Observed { stage, lives, keys, pools: record.pools.iter().filter_map(named).collect(), admins, in_force: false })
    }

    async fn operator(&self, cluster: &Cluster) -> Result<kube::Client, DriverError> {
        self.planes.client(cluster.uid).await.map_err(|error| whole_story(&error))
    }

    async fn take(&self, cluster: &Cluster, spec: &Spec, step: Step) -> Result<(), DriverError> {
        let parts: &[local::Step] = match step {
            Step::Prepare => &[local::Step::Home, local::Step::Pki, local::Step::Config],
            Step::Start => &[local::Step::Etcd, local::Step::ApiServer],
            Step::AwaitReady => &[local::Step::Ready, local::Step::Rbac, local::Step::Controllers, local::Step::Nodes],
            Step::Nodes => {
                return self
                    .planes
                    .scale(cluster.uid, pools(cluster.uid, &spec.pools))
                    .await
                    .map_err(|error| whole_story(&error));
            }
            Step::BindAdmins => {
                let client = self.operator(cluster).await?;
                return incluster::ensure_admin_binding(&client, spec.admins()).await.map_err(|error| whole_story(&error));
            }
            Step::Halt => {
                self.keeper.stop(cluster.uid);
                return self.planes.stop(cluster.uid).await.map_err(|error| whole_story(&error));
            }
            Step::Erase => {
                self.keeper.stop(cluster.uid);
                return self.planes.remove(cluster.uid).await.map_err(|error| whole_story(&error));
            }
            Step::MakeKeys | Step::SwapKeys | Step::DropOldKeys | Step::RestoreKeys | Step::RenewSigningKey => {
                return self.rotate(cluster, step).await;
            }
            Step::Enforce => return Ok(()),
        };
        if step == Step::Prepare && cluster.applied.is_some() {
            self.must_be_there(cluster)?;
        }
        let wanted = self.spec(cluster, spec)?;
        for part in parts {
            self.planes.step(&wanted, *part).await.map_err(|error| whole_story(&error))?;
        }
        if step == Step::AwaitReady {
            // Doors open also where the directory is not integrated.
            self.keeper.start(cluster.uid);
        }
        Ok(())
    }
}

impl Driver for OnThisMachine {
    fn versions(&self) -> Versions {
        Versions::new(self.planes.binary().kubernetes().number().parse().ok())
    }

    fn adopt(&self) -> Doing<'_, ()> {
        Box::pin(async {
            let adopted = self.planes.adopt_all().await.map_err(|error| whole_story(&error))?;
            tracing::info!(clusters = adopted.len(), "control planes adopted");
            let renewal = Renewal::new(Arc::clone(&self.planes), Arc::clone(&self.webhook), Arc::clone(&self.clock));
            for uid in adopted {
                // It may have ended while no server was there to renew it.
                renewal.look_at(uid);
                self.keeper.start(uid);
            }
            Ok(())
        })
    }

    fn leave(&self) -> Doing<'_, ()> {
        Box::pin(async {
            self.planes.leave().await;
            Ok(())
        })
    }

    fn observe<'a>(&'a self, cluster: &'a Cluster) -> Doing<'a, Observed> {
        Box::pin(self.look(cluster))
    }

    fn look_after<'a>(&'a self, cluster: &'a Cluster, spec: &'a Spec) -> Doing<'a, Condition> {
        Box::pin(self.care(cluster, spec))
    }

    fn apply<'a>(&'a self, cluster: &'a Cluster, spec: &'a Spec, step: Step) -> Doing<'a, ()> {
        Box::pin(self.take(cluster, spec, step))
    }

    fn endpoint<'a>(&'a self, cluster: &'a Cluster) -> Doing<'a, Endpoint> {
        Box::pin(async {
            let running = self.planes.running(cluster.uid).map_err(|error| whole_story(&error))?;
            Ok(Endpoint { url: running.url, ca: running.ca_pem })
        })
    }

    fn examine<'a>(&'a self, cluster: &'a Cluster) -> Doing<'a, Vec<super::finding::Finding>> {
        Box::pin(async move { self.planes.examine(cluster.uid).await.map_err(|error| whole_story(&error)) })
    }

    fn client<'a>(&'a self, cluster: &'a Cluster) -> Doing<'a, kube::Client> {
        Box::pin(self.operator(cluster))
    }

    fn issue<'a>(&'a self, cluster: &'a Cluster, holder: PrincipalId, door: DoorId, life: Duration) -> Doing<'a, Certificate> {
        Box::pin(async move {
            let issued =
                self.planes.open_break_glass(cluster.uid, holder, door, life).await.map_err(|error| whole_story(&error))?;
            Ok(Certificate { certificate: issued.cert_pem, key: issued.key_pem })
        })
    }

    fn seal<'a>(&'a self, cluster: &'a Cluster, door: DoorId, life: Duration) -> Doing<'a, Certificate> {
        Box::pin(async move {
            if self.planes.sealed_door(cluster.uid).map_err(|error| whole_story(&error))?.is_some_and(|known| known != door) {
                doors::unseal(&self.planes, cluster.uid).await?;
            }
            let issued = self.planes.seal(cluster.uid, door, life).await.map_err(|error| whole_story(&error))?;
            Ok(Certificate { certificate: issued.cert_pem, key: issued.key_pem })
        })
    }

    fn keep_sealed<'a>(&'a self, cluster: &'a Cluster, file: &'a str) -> Doing<'a, ()> {
        Box::pin(async move { self.planes.keep_sealed(cluster.uid, file).map_err(|error| whole_story(&error)) })
    }

    fn kept_sealed<'a>(&'a self, cluster: &'a Cluster) -> Doing<'a, Option<String>> {
        Box::pin(async move { self.planes.kept_sealed(cluster.uid).map_err(|error| whole_story(&error)) })
    }

    fn drop_sealed<'a>(&'a self, cluster: &'a Cluster) -> Doing<'a, ()> {
        Box::pin(doors::unseal(&self.planes, cluster.uid))
    }

    fn open_break_glass<'a>(&'a self, cluster: &'a Cluster, door: &'a Door) -> Doing<'a, ()> {
        Box::pin(async move {
            let client = self.operator(cluster).await?;
            incluster::open_door(&client, door).await.map_err(|error| whole_story(&error))
        })
    }

    fn shut_break_glass<'a>(&'a self, cluster: &'a Cluster, shutting: Shutting<'a>) -> Doing<'a, Vec<Refused>> {
        Box::pin(async move { Ok(vec![doors::shut(&self.planes, cluster.uid, shutting).await?]) })
    }

    fn sever<'a>(&'a self, cluster: &'a Cluster) -> Doing<'a, Vec<Severed>> {
        Box::pin(async move { Ok(vec![doors::sever(&self.planes, cluster.uid).await?]) })
    }

    fn left_behind<'a>(&'a self, cluster: &'a Cluster, door: &'a Door) -> Doing<'a, LeftBehind> {
        Box::pin(left_behind::look(&self.planes, cluster.uid, door))
    }
}

/// The whole story of an error, as it goes into a resource's status.
fn whole_story(error: &dyn Error) -> DriverError {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    DriverError::ControlPlane(text)
}

/// Nodes are called as people know them: `aks-{pool}-{8 digits}-vmss` and a number.
fn pools(uid: ClusterUid, pools: &[Pool]) -> Vec<local::Pool> {
    let digits = uid.uuid().as_u128() % 100_000_000;
    pools.iter().map(|pool| local::Pool { prefix: format!("aks-{}-{digits:08}-vmss", pool.name), count: pool.count }).collect()
}

fn named(pool: &local::Pool) -> Option<Pool> {
    let name = pool.prefix.strip_prefix("aks-")?.split('-').next()?;
    Some(Pool { name: name.to_owned(), count: pool.count })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pools_name_can_be_read_off_its_nodes() {
        let uid = ClusterUid::from_uuid(uuid::Uuid::from_u128(7));
        let asked = [Pool { name: "nodepool1".into(), count: 3 }, Pool { name: "gpu".into(), count: 0 }];
        let made = pools(uid, &asked);
        assert_eq!(made[0].prefix, "aks-nodepool1-00000007-vmss");
        assert_eq!(made.iter().filter_map(named).collect::<Vec<_>>(), asked);
    }
}
