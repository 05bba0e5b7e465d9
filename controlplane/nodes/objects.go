package nodes

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"

	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-base/version"
	"k8s.io/utils/ptr"
)

const (
	// simulatedLabel marks the nodes that are ours to delete.
	simulatedLabel = "entrance.dev/simulated"
	maxNodes       = 1000
	firstNodeIP    = 4 // the first free address of a subnet in Azure
)

// Pools is the flag --pool, given once or more.
type Pools []pool

type pool struct {
	prefix string
	count  int
}

// String is what was given.
func (p *Pools) String() string {
	var all []string
	for _, one := range *p {
		all = append(all, fmt.Sprintf("%s=%d", one.prefix, one.count))
	}
	return strings.Join(all, ",")
}

// Set reads one PREFIX=COUNT.
func (p *Pools) Set(text string) error {
	prefix, digits, found := strings.Cut(text, "=")
	count, err := strconv.Atoi(digits)
	if !found || err != nil || prefix == "" {
		return errors.New("write PREFIX=COUNT, such as node-=3")
	}
	if count < 0 || count > maxNodes {
		return fmt.Errorf("a pool has 0 to %d nodes", maxNodes)
	}
	*p = append(*p, pool{prefix, count})
	return nil
}

// nodes are the Node objects of all pools, as they are created.
func (p *Pools) nodes() []*core.Node {
	var all []*core.Node
	for _, one := range *p {
		for index := range one.count {
			all = append(all, newNode(nodeName(one.prefix, index), len(all)))
		}
	}
	return all
}

// nodeName ends like a scale set's: six digits in base 36.
func nodeName(prefix string, index int) string {
	digits := strconv.FormatInt(int64(index), 36)
	return prefix + strings.Repeat("0", 6-len(digits)) + digits
}

// newNode is a node as it is created; order tells its place among all nodes and so its address.
func newNode(name string, order int) *core.Node {
	address := order + firstNodeIP
	node := &core.Node{
		ObjectMeta: meta.ObjectMeta{
			Name: name,
			Labels: map[string]string{
				core.LabelHostname:   name,
				core.LabelOSStable:   runtime.GOOS,
				core.LabelArchStable: runtime.GOARCH,
				simulatedLabel:       "true",
			},
		},
		Spec: core.NodeSpec{ProviderID: "entrance://" + name},
	}
	node.Status.Addresses = []core.NodeAddress{
		{Type: core.NodeInternalIP, Address: fmt.Sprintf("10.224.%d.%d", address/256, address%256)},
		{Type: core.NodeHostName, Address: name},
	}
	return node
}

// nodeStatus is a healthy node's report. A condition that already said the same keeps the time at which it began.
func nodeStatus(node *core.Node, before []core.NodeCondition, now meta.Time) core.NodeStatus {
	since := map[core.NodeConditionType]meta.Time{}
	for _, one := range before {
		if one.Status == healthy(one.Type) {
			since[one.Type] = one.LastTransitionTime
		}
	}
	report := func(kind core.NodeConditionType, reason, message string) core.NodeCondition {
		began, known := since[kind]
		if !known {
			began = now
		}
		return core.NodeCondition{
			Type: kind, Status: healthy(kind), Reason: reason, Message: message, LastHeartbeatTime: now, LastTransitionTime: began,
		}
	}
	size := core.ResourceList{
		core.ResourceCPU:              resource.MustParse("4"),
		core.ResourceMemory:           resource.MustParse("16Gi"),
		core.ResourceEphemeralStorage: resource.MustParse("128Gi"),
		core.ResourcePods:             resource.MustParse("250"),
	}
	return core.NodeStatus{
		Capacity:    size,
		Allocatable: size,
		Addresses:   node.Status.Addresses,
		NodeInfo: core.NodeSystemInfo{
			KubeletVersion: version.Get().GitVersion, OperatingSystem: runtime.GOOS, Architecture: runtime.GOARCH,
			OSImage: "simulated", ContainerRuntimeVersion: "simulated://1", KernelVersion: "simulated",
		},
		Conditions: []core.NodeCondition{
			report(core.NodeMemoryPressure, "KubeletHasSufficientMemory", "this node is simulated and has all it needs"),
			report(core.NodeDiskPressure, "KubeletHasNoDiskPressure", "this node is simulated and has all it needs"),
			report(core.NodePIDPressure, "KubeletHasSufficientPID", "this node is simulated and has all it needs"),
			report(core.NodeReady, "KubeletReady", "this node is simulated and always ready"),
		},
	}
}

func healthy(kind core.NodeConditionType) core.ConditionStatus {
	if kind == core.NodeReady {
		return core.ConditionTrue
	}
	return core.ConditionFalse
}

func nodeLease(node string, now meta.MicroTime) *coordination.Lease {
	return &coordination.Lease{
		ObjectMeta: meta.ObjectMeta{Name: node, Namespace: core.NamespaceNodeLease},
		Spec:       coordination.LeaseSpec{HolderIdentity: &node, LeaseDurationSeconds: ptr.To[int32](leaseSeconds), RenewTime: &now},
	}
}

// step is what a kubelet would do next with a pod.
type step int

const (
	podRests step = iota
	podStarts
	podEnds
)

func next(pod *core.Pod) step {
	switch {
	case pod.DeletionTimestamp != nil:
		return podEnds
	case pod.Status.Phase == core.PodPending || pod.Status.Phase == "":
		return podStarts
	default:
		return podRests
	}
}

// podIPs counts the addresses that were given to pods.
var podIPs atomic.Uint32

// podIP is a free address of 10.244.0.0/16. It comes round again after some 65 000 pods: nothing ever connects to it.
func (s *simulator) podIP() string { return podAddress(podIPs.Add(1)) }

func podAddress(count uint32) string {
	const usable = 1<<16 - 2
	n := (count-1)%usable + 1
	return fmt.Sprintf("10.244.%d.%d", n>>8, n&0xff)
}

// runningStatus is the report about a pod whose containers have all just started.
func runningStatus(pod *core.Pod, node *core.Node, address string, now meta.Time) core.PodStatus {
	status := *pod.Status.DeepCopy()
	hostIP := node.Status.Addresses[0].Address
	if pod.Spec.HostNetwork {
		address = hostIP
	}
	status.Phase = core.PodRunning
	status.StartTime = &now
	status.HostIP, status.HostIPs = hostIP, []core.HostIP{{IP: hostIP}}
	status.PodIP, status.PodIPs = address, []core.PodIP{{IP: address}}
	for _, kind := range []core.PodConditionType{core.PodInitialized, core.ContainersReady, core.PodReady, core.PodReadyToStartContainers} {
		setTrue(&status, kind, now)
	}
	status.ContainerStatuses = nil
	for _, one := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, started(one, core.ContainerState{Running: &core.ContainerStateRunning{StartedAt: now}}))
	}
	status.InitContainerStatuses = nil
	for _, one := range pod.Spec.InitContainers {
		state := core.ContainerState{Terminated: &core.ContainerStateTerminated{Reason: "Completed", StartedAt: now, FinishedAt: now}}
		if one.RestartPolicy != nil && *one.RestartPolicy == core.ContainerRestartPolicyAlways { // a sidecar
			state = core.ContainerState{Running: &core.ContainerStateRunning{StartedAt: now}}
		}
		status.InitContainerStatuses = append(status.InitContainerStatuses, started(one, state))
	}
	return status
}

func started(container core.Container, state core.ContainerState) core.ContainerStatus {
	return core.ContainerStatus{
		Name: container.Name, Image: container.Image, ImageID: container.Image, State: state, Ready: true, Started: ptr.To(state.Running != nil),
	}
}

func setTrue(status *core.PodStatus, kind core.PodConditionType, now meta.Time) {
	condition := core.PodCondition{Type: kind, Status: core.ConditionTrue, LastTransitionTime: now}
	for at := range status.Conditions {
		if status.Conditions[at].Type == kind {
			status.Conditions[at] = condition
			return
		}
	}
	status.Conditions = append(status.Conditions, condition)
}
