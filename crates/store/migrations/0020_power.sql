-- Whether a cluster's control plane is meant to run. It changes when a stop or a start has ended.
ALTER TABLE managed_cluster ADD COLUMN power TEXT NOT NULL DEFAULT 'Running';
