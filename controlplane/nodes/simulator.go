// Package nodes plays the kubelets of a cluster: it keeps Node and Lease objects alive, and every pod that is bound to one of them is Running at
// once, and gone at once when it is deleted. Nothing runs inside.
package nodes

import (
	"context"
	"fmt"
	"os"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/ptr"
)

const (
	heartbeat    = 10 * time.Second // as a kubelet
	leaseSeconds = 40               // as a kubelet: four heartbeats
	retry        = 500 * time.Millisecond
	podWorkers   = 4
)

// Simulate keeps the nodes of all pools alive until ctx ends.
func Simulate(ctx context.Context, kubeconfig string, pools Pools) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 100, 200
	config.UserAgent = "entrance-nodes"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	s := simulator{client: client, nodes: pools.nodes()}
	if err := s.removeOthers(ctx); err != nil {
		return err
	}
	s.watchPods(ctx)
	for {
		pause := heartbeat
		if err := s.beat(ctx); err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "a heartbeat failed:", err)
			pause = retry
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

type simulator struct {
	client kubernetes.Interface
	nodes  []*core.Node
}

// beat renews every node's status and lease, and creates what is missing.
func (s *simulator) beat(ctx context.Context) error {
	for _, want := range s.nodes {
		if err := s.beatNode(ctx, want); err != nil {
			return fmt.Errorf("node %s: %w", want.Name, err)
		}
		if err := s.beatLease(ctx, want.Name); err != nil {
			return fmt.Errorf("lease of node %s: %w", want.Name, err)
		}
	}
	return nil
}

func (s *simulator) beatNode(ctx context.Context, want *core.Node) error {
	nodes := s.client.CoreV1().Nodes()
	node, err := nodes.Get(ctx, want.Name, meta.GetOptions{})
	if apierrors.IsNotFound(err) {
		node, err = nodes.Create(ctx, want, meta.CreateOptions{})
	}
	if err != nil {
		return err
	}
	node.Status = nodeStatus(want, node.Status.Conditions, meta.Now())
	_, err = nodes.UpdateStatus(ctx, node, meta.UpdateOptions{})
	if apierrors.IsConflict(err) {
		return nil // a controller was faster; the next beat is soon enough
	}
	return err
}

func (s *simulator) beatLease(ctx context.Context, node string) error {
	leases := s.client.CoordinationV1().Leases(core.NamespaceNodeLease)
	now := meta.NowMicro()
	lease, err := leases.Get(ctx, node, meta.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = leases.Create(ctx, nodeLease(node, now), meta.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	lease.Spec.RenewTime = &now
	_, err = leases.Update(ctx, lease, meta.UpdateOptions{})
	return err
}

// removeOthers deletes the nodes that an earlier run simulated and this one does not.
func (s *simulator) removeOthers(ctx context.Context) error {
	kept := map[string]bool{}
	for _, node := range s.nodes {
		kept[node.Name] = true
	}
	found, err := s.client.CoreV1().Nodes().List(ctx, meta.ListOptions{LabelSelector: simulatedLabel + "=true"})
	if err != nil {
		return err
	}
	for _, node := range found.Items {
		if kept[node.Name] {
			continue
		}
		if err := s.client.CoreV1().Nodes().Delete(ctx, node.Name, meta.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// watchPods moves each pod that is bound to one of our nodes where it wants to go.
func (s *simulator) watchPods(ctx context.Context) {
	ours := map[string]*core.Node{}
	for _, node := range s.nodes {
		ours[node.Name] = node
	}
	bound := fields.OneTermNotEqualSelector("spec.nodeName", "")
	source := cache.NewListWatchFromClient(s.client.CoreV1().RESTClient(), "pods", core.NamespaceAll, bound)
	work := make(chan *core.Pod, 256)
	see := func(object any) {
		pod, isPod := object.(*core.Pod)
		if !isPod || ours[pod.Spec.NodeName] == nil || next(pod) == podRests {
			return
		}
		select {
		case work <- pod:
		case <-ctx.Done():
		}
	}
	_, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: source,
		ObjectType:    &core.Pod{},
		ResyncPeriod:  heartbeat, // what failed is tried again
		Handler:       cache.ResourceEventHandlerFuncs{AddFunc: see, UpdateFunc: func(_, pod any) { see(pod) }},
	})
	go informer.Run(ctx.Done())
	for range podWorkers {
		go func() {
			for {
				select {
				case <-ctx.Done():
					return
				case pod := <-work:
					if err := s.move(ctx, pod, ours[pod.Spec.NodeName]); err != nil && ctx.Err() == nil {
						fmt.Fprintf(os.Stderr, "pod %s/%s: %v\n", pod.Namespace, pod.Name, err)
					}
				}
			}
		}()
	}
}

func (s *simulator) move(ctx context.Context, pod *core.Pod, node *core.Node) error {
	pods := s.client.CoreV1().Pods(pod.Namespace)
	var err error
	switch next(pod) {
	case podStarts:
		running := pod.DeepCopy()
		running.Status = runningStatus(pod, node, s.podIP(), meta.Now())
		_, err = pods.UpdateStatus(ctx, running, meta.UpdateOptions{})
	case podEnds:
		err = pods.Delete(ctx, pod.Name, meta.DeleteOptions{
			GracePeriodSeconds: ptr.To[int64](0),
			Preconditions:      &meta.Preconditions{UID: &pod.UID},
		})
	case podRests:
	}
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // it is gone, or its next event is already on the way
	}
	return err
}
