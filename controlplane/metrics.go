package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"entrance.dev/controlplane/metrics"
)

// runMetrics serves the usage of simulated nodes as an aggregated API.
func runMetrics() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := metrics.Serve(ctx, os.Args[1:]); err != nil && ctx.Err() == nil {
		return fail(err)
	}
	return 0
}
