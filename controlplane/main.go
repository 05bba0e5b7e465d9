// Command controlplane is a real Kubernetes control plane in one file.
//
// It only picks a command; certificates, flags and supervision belong to whoever starts it. The name it was called by picks the command, too,
// so a symlink named `kubectl` is a kubectl.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// commands run until they end or are told to, and return the exit code. They find their own name in os.Args[0].
var commands = map[string]func() int{
	"etcd":               runEtcd,
	"apiserver":          runAPIServer,
	"controller-manager": runControllerManager,
	"scheduler":          runScheduler,
	"kubectl":            runKubectl,
	"nodes":              runNodes,
	"metrics":            runMetrics,
	"version":            runVersion,
}

const help = `A real Kubernetes control plane in one file.

Usage: controlplane COMMAND [FLAGS]

Commands:
  etcd                 the database, on a unix socket
  apiserver            kube-apiserver
  controller-manager   kube-controller-manager
  scheduler            kube-scheduler
  nodes                simulated nodes: Ready, and each pod on them is Running
  metrics              metrics.k8s.io for simulated nodes, an aggregated API server: kubectl top
  kubectl              kubectl
  version              the versions inside, one per line

'controlplane COMMAND --help' lists the flags of one command. A symlink (or copy) named like a command is that command.

A cluster by hand, the order in which they start:
  controlplane etcd --dir DIR                                   waits on DIR/etcd.sock
  controlplane apiserver --etcd-servers=unix:///DIR/etcd.sock … ready when /readyz answers ok
  controlplane controller-manager --kubeconfig FILE …
  controlplane scheduler --kubeconfig FILE …
  controlplane nodes --kubeconfig FILE --pool node-=3
'entrance' does this for you: certificates, flags, restarts.
`

func main() {
	name, args := command(os.Args)
	run, known := commands[name]
	switch {
	case known:
		os.Args = append([]string{name}, args...)
		os.Exit(run())
	case name == "" || name == "help" || name == "-h" || name == "--help":
		fmt.Print(help)
	default:
		fmt.Fprintf(os.Stderr, "error: there is no command '%s'\nhint: see 'controlplane --help'\n", name)
		os.Exit(2)
	}
}

// command tells which command argv asks for, by its own name or by its first argument, and the arguments that are left for it.
func command(argv []string) (name string, args []string) {
	called := strings.TrimPrefix(filepath.Base(argv[0]), "kube-")
	if _, known := commands[called]; known {
		return called, argv[1:]
	}
	if len(argv) < 2 {
		return "", nil
	}
	return argv[1], argv[2:]
}
