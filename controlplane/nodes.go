package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"entrance.dev/controlplane/nodes"
)

// runNodes simulates the nodes of a cluster.
func runNodes() int {
	flags := flag.NewFlagSet("nodes", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "how to reach the API server")
	var pools nodes.Pools
	flags.Var(&pools, "pool", "PREFIX=COUNT: COUNT nodes whose names begin with PREFIX; may be given several times")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return usage(err)
	}
	if *kubeconfig == "" {
		fmt.Fprintln(os.Stderr, "error: --kubeconfig is missing\nhint: controlplane nodes --kubeconfig FILE --pool node-=3")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := nodes.Simulate(ctx, *kubeconfig, pools); err != nil && ctx.Err() == nil {
		return fail(err)
	}
	return 0
}
