// Package metrics is an aggregated API server: metrics.k8s.io for simulated nodes and their pods, so that `kubectl top` has an answer.
//
// It is built like any other on k8s.io/apiserver: it trusts the front proxy that the cluster publishes in extension-apiserver-authentication,
// takes user and groups from its headers, and asks the cluster what they may do.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/pflag"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apiserver/pkg/endpoints/openapi"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/util/compatibility"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	generated "k8s.io/kubernetes/pkg/generated/openapi"
	"k8s.io/metrics/pkg/apis/metrics"
	"k8s.io/metrics/pkg/apis/metrics/install"
)

// goHeaderValues is how many header values net/http of Go 1.27 takes unless a server says otherwise. Each group of a caller is one.
const goHeaderValues = 500

var (
	scheme = runtime.NewScheme()
	codecs = serializer.NewCodecFactory(scheme)
)

func init() {
	install.Install(scheme)
	unversioned := schema.GroupVersion{Version: "v1"}
	meta.AddToGroupVersion(scheme, unversioned)
	scheme.AddUnversionedTypes(unversioned,
		&meta.Status{}, &meta.APIVersions{}, &meta.APIGroupList{}, &meta.APIGroup{}, &meta.APIResourceList{})
}

type settings struct {
	kubeconfig     string
	headerValues   int
	serving        *options.SecureServingOptionsWithLoopback
	authentication *options.DelegatingAuthenticationOptions
	authorization  *options.DelegatingAuthorizationOptions
}

// Serve runs until ctx ends.
func Serve(ctx context.Context, args []string) error {
	wanted, err := parse(args)
	if errors.Is(err, pflag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	generic, err := wanted.server()
	if err != nil {
		return err
	}
	return generic.PrepareRun().RunWithContext(ctx)
}

func parse(args []string) (*settings, error) {
	s := &settings{
		serving:        options.NewSecureServingOptions().WithLoopback(),
		authentication: options.NewDelegatingAuthenticationOptions(),
		authorization:  options.NewDelegatingAuthorizationOptions(),
	}
	flags := pflag.NewFlagSet("metrics", pflag.ContinueOnError)
	flags.StringVar(&s.kubeconfig, "kubeconfig", "", "how to reach the API server, to see nodes and pods and to ask who may do what")
	flags.IntVar(&s.headerValues, "max-header-values", goHeaderValues, "a request with more header values is refused, as by a server that is built with Go 1.27 and changes nothing")
	s.serving.AddFlags(flags)
	s.authentication.AddFlags(flags)
	s.authorization.AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if s.kubeconfig == "" {
		return nil, errors.New("--kubeconfig is missing")
	}
	s.authentication.RemoteKubeConfigFile = s.kubeconfig
	s.authorization.RemoteKubeConfigFile = s.kubeconfig
	// What was taken away shall end here within the same moment as at the cluster itself.
	s.authorization.AllowCacheTTL, s.authorization.DenyCacheTTL = time.Second, time.Second
	problems := append(s.serving.Validate(), s.authentication.Validate()...)
	return s, utilerrors.NewAggregate(append(problems, s.authorization.Validate()...))
}

func (s *settings) server() (*server.GenericAPIServer, error) {
	if err := s.serving.MaybeDefaultWithSelfSignedCerts("localhost", nil, []net.IP{net.IPv4(127, 0, 0, 1)}); err != nil {
		return nil, fmt.Errorf("the serving certificate: %w", err)
	}
	config := server.NewRecommendedConfig(codecs)
	config.EffectiveVersion = compatibility.DefaultBuildEffectiveVersion()
	config.OpenAPIConfig = server.DefaultOpenAPIConfig(generated.GetOpenAPIDefinitions, openapi.NewDefinitionNamer(scheme))
	config.OpenAPIConfig.Info.Title = "metrics"
	config.OpenAPIV3Config = server.DefaultOpenAPIV3Config(generated.GetOpenAPIDefinitions, openapi.NewDefinitionNamer(scheme))
	config.OpenAPIV3Config.Info.Title = "metrics"
	config.EnableProfiling = false
	config.BuildHandlerChainFunc = func(api http.Handler, c *server.Config) http.Handler {
		return limited(server.DefaultBuildHandlerChain(api, c), s.headerValues)
	}
	if err := s.serving.ApplyToConfig(&config.Config); err != nil {
		return nil, err
	}
	if err := s.authentication.ApplyTo(&config.Authentication, config.SecureServing, config.OpenAPIConfig); err != nil {
		return nil, err
	}
	if err := s.authorization.ApplyTo(&config.Authorization); err != nil {
		return nil, err
	}
	client, err := clientcmd.BuildConfigFromFlags("", s.kubeconfig)
	if err != nil {
		return nil, err
	}
	cluster, err := kubernetes.NewForConfig(client)
	if err != nil {
		return nil, err
	}
	generic, err := config.Complete().New("metrics", server.NewEmptyDelegate())
	if err != nil {
		return nil, err
	}
	group := server.NewDefaultAPIGroupInfo(metrics.GroupName, scheme, meta.ParameterCodec, codecs)
	for _, version := range []string{"v1", "v1beta1"} {
		group.VersionedResourcesStorageMap[version] = map[string]rest.Storage{"nodes": &nodes{cluster}, "pods": &pods{cluster}}
	}
	return generic, generic.InstallAPIGroup(&group)
}

// limited refuses requests with too many header values, before anything is done for them.
func limited(next http.Handler, most int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count := 0
		for _, values := range r.Header {
			count += len(values)
		}
		if count > most {
			http.Error(w, fmt.Sprintf("%d header values, at most %d are taken", count, most), http.StatusRequestHeaderFieldsTooLarge)
			return
		}
		next.ServeHTTP(w, r)
	})
}
