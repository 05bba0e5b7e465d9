package main

import (
	_ "time/tzdata" // time zones of CronJobs, on hosts that have none

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// runControllerManager is kube-controller-manager with all of upstream's controllers.
func runControllerManager() int { return cli.Run(app.NewControllerManagerCommand()) }
