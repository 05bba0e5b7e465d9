package metrics

import (
	"context"
	"hash/fnv"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/client-go/kubernetes"
	"k8s.io/metrics/pkg/apis/metrics"
)

var (
	_ rest.Getter               = &nodes{}
	_ rest.Lister               = &nodes{}
	_ rest.SingularNameProvider = &nodes{}
	_ rest.Getter               = &pods{}
	_ rest.Lister               = &pods{}
	_ rest.SingularNameProvider = &pods{}
)

const window = 30 * time.Second

// nodes shows the usage of nodes.
type nodes struct{ cluster kubernetes.Interface }

func (*nodes) New() runtime.Object     { return &metrics.NodeMetrics{} }
func (*nodes) NewList() runtime.Object { return &metrics.NodeMetricsList{} }
func (*nodes) Destroy()                {}
func (*nodes) NamespaceScoped() bool   { return false }
func (*nodes) GetSingularName() string { return "node" }

// List is the usage of all nodes that the selector takes.
func (n *nodes) List(ctx context.Context, options *internalversion.ListOptions) (runtime.Object, error) {
	found, err := n.cluster.CoreV1().Nodes().List(ctx, selected(options))
	if err != nil {
		return nil, err
	}
	all := &metrics.NodeMetricsList{}
	for i := range found.Items {
		all.Items = append(all.Items, *ofNode(&found.Items[i]))
	}
	return all, nil
}

// Get is the usage of one node.
func (n *nodes) Get(ctx context.Context, name string, _ *meta.GetOptions) (runtime.Object, error) {
	found, err := n.cluster.CoreV1().Nodes().Get(ctx, name, meta.GetOptions{})
	if err != nil {
		return nil, err
	}
	return ofNode(found), nil
}

// ConvertToTable shows names and time only; kubectl top makes its own columns.
func (*nodes) ConvertToTable(ctx context.Context, object, options runtime.Object) (*meta.Table, error) {
	return rest.NewDefaultTableConvertor(metrics.Resource("nodes")).ConvertToTable(ctx, object, options)
}

// pods shows the usage of pods.
type pods struct{ cluster kubernetes.Interface }

func (*pods) New() runtime.Object     { return &metrics.PodMetrics{} }
func (*pods) NewList() runtime.Object { return &metrics.PodMetricsList{} }
func (*pods) Destroy()                {}
func (*pods) NamespaceScoped() bool   { return true }
func (*pods) GetSingularName() string { return "pod" }

// List is the usage of all pods of the namespace that the selector takes.
func (p *pods) List(ctx context.Context, options *internalversion.ListOptions) (runtime.Object, error) {
	found, err := p.cluster.CoreV1().Pods(request.NamespaceValue(ctx)).List(ctx, selected(options))
	if err != nil {
		return nil, err
	}
	all := &metrics.PodMetricsList{}
	for i := range found.Items {
		all.Items = append(all.Items, *ofPod(&found.Items[i]))
	}
	return all, nil
}

// Get is the usage of one pod.
func (p *pods) Get(ctx context.Context, name string, _ *meta.GetOptions) (runtime.Object, error) {
	found, err := p.cluster.CoreV1().Pods(request.NamespaceValue(ctx)).Get(ctx, name, meta.GetOptions{})
	if err != nil {
		return nil, err
	}
	return ofPod(found), nil
}

// ConvertToTable shows names and time only; kubectl top makes its own columns.
func (*pods) ConvertToTable(ctx context.Context, object, options runtime.Object) (*meta.Table, error) {
	return rest.NewDefaultTableConvertor(metrics.Resource("pods")).ConvertToTable(ctx, object, options)
}

func ofNode(node *core.Node) *metrics.NodeMetrics {
	return &metrics.NodeMetrics{
		ObjectMeta: meta.ObjectMeta{Name: node.Name, Labels: node.Labels},
		Timestamp:  meta.Now(),
		Window:     meta.Duration{Duration: window},
		Usage:      usage(node.Name, 400),
	}
}

func ofPod(pod *core.Pod) *metrics.PodMetrics {
	one := &metrics.PodMetrics{
		ObjectMeta: meta.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, Labels: pod.Labels},
		Timestamp:  meta.Now(),
		Window:     meta.Duration{Duration: window},
	}
	for _, container := range pod.Spec.Containers {
		one.Containers = append(one.Containers, metrics.ContainerMetrics{Name: container.Name, Usage: usage(pod.Name, 20)})
	}
	return one
}

// usage is as simulated as what uses it: the same for a name each time, around a mean in milli-processors.
func usage(name string, mean int64) core.ResourceList {
	spread := fnv.New32a()
	_, _ = spread.Write([]byte(name))
	milli := mean/2 + int64(spread.Sum32())%mean
	return core.ResourceList{
		core.ResourceCPU:    *resource.NewMilliQuantity(milli, resource.DecimalSI),
		core.ResourceMemory: *resource.NewQuantity(milli<<20, resource.BinarySI),
	}
}

func selected(options *internalversion.ListOptions) meta.ListOptions {
	var wanted meta.ListOptions
	if options != nil && options.LabelSelector != nil {
		wanted.LabelSelector = options.LabelSelector.String()
	}
	if options != nil && options.FieldSelector != nil {
		wanted.FieldSelector = options.FieldSelector.String()
	}
	return wanted
}
