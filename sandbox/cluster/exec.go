package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/remotecommand"
)

// execute runs a command in the first container of a workload's first running Pod, as `kubectl
// exec` does. args are -kubeconfig, -namespace and -app, then the command.
func execute(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("exec", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "file of the cluster")
	namespace := flags.String("namespace", "", "namespace of the workload")
	app := flags.String("app", "", "name of the workload")
	if err := flags.Parse(args); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx := context.Background()
	pods, err := client.CoreV1().Pods(*namespace).List(ctx, metav1.ListOptions{
		LabelSelector: "app.kubernetes.io/name=" + *app, FieldSelector: "status.phase=Running",
	})
	if err != nil {
		return err
	}
	if len(pods.Items) == 0 {
		return fmt.Errorf("%s/%s has no running Pod", *namespace, *app)
	}
	pod := pods.Items[0]
	url := client.CoreV1().RESTClient().Post().Resource("pods").Namespace(pod.Namespace).Name(pod.Name).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Command: flags.Args(), Container: pod.Spec.Containers[0].Name, Stdout: true, Stderr: true}, scheme.ParameterCodec).URL()
	websocket, err := remotecommand.NewWebSocketExecutor(config, "GET", url.String())
	if err != nil {
		return err
	}
	if err := websocket.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: out, Stderr: os.Stderr}); err != nil {
		return errors.Join(fmt.Errorf("%v in %s/%s", flags.Args(), pod.Namespace, pod.Name), err)
	}
	return nil
}
