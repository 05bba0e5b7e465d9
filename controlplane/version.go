package main

import (
	"fmt"
	"runtime"

	etcd "go.etcd.io/etcd/api/v3/version"
	"k8s.io/component-base/version"
)

// runVersion prints one line per part, for people and for the program that starts us.
func runVersion() int {
	fmt.Printf("kubernetes %s\netcd v%s\ngo %s %s/%s\n", version.Get().GitVersion, etcd.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return 0
}
