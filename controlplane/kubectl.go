package main

import (
	"os"

	_ "k8s.io/client-go/plugin/pkg/client/auth" // exec plugins and the other ways to sign in
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

// runKubectl is kubectl as upstream builds it. It exits by itself when it fails.
func runKubectl() int {
	_, _ = logs.GlogSetter(cmd.GetLogVerbosity(os.Args)) // kubectl logs while it builds its own commands: the level is needed before flags are parsed
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
	return 0
}
