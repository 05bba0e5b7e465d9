package nodes

import (
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func TestPoolsAreReadAndRefused(t *testing.T) {
	var read Pools
	for _, text := range []string{"aks-nodepool1-=2", "user-=0", "b-=1"} {
		if err := read.Set(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	if got, want := read.String(), "aks-nodepool1-=2,user-=0,b-=1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, text := range []string{"", "a", "=3", "a=", "a=-1", "a=1001", "a=many"} {
		if err := read.Set(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestNodesHaveNamesAndAddressesOfTheirOwn(t *testing.T) {
	all := Pools{{"a-", 37}, {"b-", 300}}
	names, addresses := map[string]bool{}, map[string]bool{}
	for _, node := range all.nodes() {
		names[node.Name], addresses[node.Status.Addresses[0].Address] = true, true
	}
	if len(names) != 337 || len(addresses) != 337 {
		t.Errorf("%d names and %d addresses for 337 nodes", len(names), len(addresses))
	}
	for _, want := range []string{"a-000000", "a-00000z", "a-000010", "b-000000"} {
		if !names[want] {
			t.Errorf("no node %s", want)
		}
	}
	if !addresses["10.224.0.4"] || !addresses["10.224.1.0"] {
		t.Error("addresses do not go on from one block to the next")
	}
}

func TestAConditionKeepsTheTimeItBegan(t *testing.T) {
	node := newNode("n", 0)
	first := meta.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	later := meta.NewTime(first.Add(time.Hour))
	report := nodeStatus(node, nil, first)
	again := nodeStatus(node, report.Conditions, later)
	for at, one := range again.Conditions {
		if one.LastTransitionTime != first || one.LastHeartbeatTime != later {
			t.Errorf("%s: began %v, seen %v", one.Type, one.LastTransitionTime, one.LastHeartbeatTime)
		}
		if (one.Type == core.NodeReady) != (one.Status == core.ConditionTrue) {
			t.Errorf("condition %d, %s, is %s", at, one.Type, one.Status)
		}
	}
	lost := report.Conditions
	for at := range lost { // what the node lifecycle controller writes when heartbeats stop
		lost[at].Status = core.ConditionUnknown
	}
	for _, one := range nodeStatus(node, lost, later).Conditions {
		if one.LastTransitionTime != later {
			t.Errorf("%s recovered, but says it never changed", one.Type)
		}
	}
}

func TestAPodGoesWhereAKubeletWouldTakeIt(t *testing.T) {
	now := meta.Now()
	pod := func(phase core.PodPhase) *core.Pod { return &core.Pod{Status: core.PodStatus{Phase: phase}} }
	deleted := pod(core.PodRunning)
	deleted.DeletionTimestamp = &now
	for _, one := range []struct {
		pod  *core.Pod
		want step
	}{{pod(core.PodPending), podStarts}, {pod(""), podStarts}, {pod(core.PodRunning), podRests}, {pod(core.PodSucceeded), podRests}, {deleted, podEnds}} {
		if got := next(one.pod); got != one.want {
			t.Errorf("phase %q, deleted %v: got %d, want %d", one.pod.Status.Phase, one.pod.DeletionTimestamp != nil, got, one.want)
		}
	}
}

func TestARunningPodIsReadyInAllItsParts(t *testing.T) {
	pod := &core.Pod{Spec: core.PodSpec{
		Containers:     []core.Container{{Name: "app", Image: "i"}},
		InitContainers: []core.Container{{Name: "once"}, {Name: "sidecar", RestartPolicy: ptr.To(core.ContainerRestartPolicyAlways)}},
	}}
	pod.Status.Conditions = []core.PodCondition{{Type: core.PodReady, Status: core.ConditionFalse}, {Type: core.PodScheduled, Status: core.ConditionTrue}}
	status := runningStatus(pod, newNode("n", 0), "10.244.0.1", meta.Now())
	ready := 0
	for _, one := range status.Conditions {
		if one.Status != core.ConditionTrue {
			t.Errorf("%s is %s", one.Type, one.Status)
		}
		if one.Type == core.PodReady {
			ready++
		}
	}
	if ready != 1 || status.Phase != core.PodRunning || status.PodIP != "10.244.0.1" || status.HostIP != "10.224.0.4" {
		t.Errorf("not a running pod: %+v", status)
	}
	if status.ContainerStatuses[0].State.Running == nil || status.InitContainerStatuses[0].State.Terminated == nil || status.InitContainerStatuses[1].State.Running == nil {
		t.Error("a container is not in the state it should be in")
	}
	pod.Spec.HostNetwork = true
	if got := runningStatus(pod, newNode("n", 0), "10.244.0.1", meta.Now()).PodIP; got != "10.224.0.4" {
		t.Errorf("a pod on the host's network has the address %s", got)
	}
}

func TestPodAddressesStayInTheirRange(t *testing.T) {
	for count, want := range map[uint32]string{1: "10.244.0.1", 256: "10.244.1.0", 65534: "10.244.255.254", 65535: "10.244.0.1"} {
		if got := podAddress(count); got != want {
			t.Errorf("address %d: got %s, want %s", count, got, want)
		}
	}
}
