package main

import "testing"

func TestACommandIsPickedByNameOrByFirstArgument(t *testing.T) {
	for _, one := range []struct {
		argv []string
		name string
		left int
	}{
		{[]string{"/x/controlplane", "etcd", "--dir", "d"}, "etcd", 2},
		{[]string{"/x/kubectl", "get", "nodes"}, "kubectl", 2},
		{[]string{"/x/kube-apiserver", "--help"}, "apiserver", 1},
		{[]string{"controlplane"}, "", 0},
		{[]string{"controlplane", "nonsense"}, "nonsense", 0},
	} {
		name, left := command(one.argv)
		if name != one.name || len(left) != one.left {
			t.Errorf("%q: got %q and %d arguments, want %q and %d", one.argv, name, len(left), one.name, one.left)
		}
	}
}
