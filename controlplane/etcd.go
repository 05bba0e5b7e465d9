package main

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage/wal"
)

const (
	etcdSocket = "etcd.sock"
	etcdData   = "etcd"
	// Two segments are allocated ahead: upstream's 64 MiB would cost each small cluster 125 MB of disk.
	walSegment = 4 << 20
)

// runEtcd serves one etcd member from a folder of its own. It listens on a unix socket in that folder and nowhere else: no port, no peer,
// no TLS; who may enter the folder is who may read the database.
func runEtcd() int {
	flags := flag.NewFlagSet("etcd", flag.ContinueOnError)
	dir := flags.String("dir", ".", "folder of the database; the socket is etcd.sock in it")
	level := flags.String("log-level", "warn", "debug, info, warn or error")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return usage(err)
	}
	// Serve from inside the folder: a socket's address may be 107 bytes long, a folder's path longer.
	if err := os.Chdir(*dir); err != nil {
		return fail(err)
	}
	if err := serveEtcd(*level); err != nil {
		return fail(err)
	}
	return 0
}

func serveEtcd(level string) error {
	wal.SegmentSizeBytes = walSegment
	// A signal that comes early is obeyed late, not lost.
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)

	member, err := embed.StartEtcd(etcdConfig(level))
	if err != nil {
		return err
	}
	defer member.Close()
	select {
	case <-member.Server.ReadyNotify():
		fmt.Fprintln(os.Stderr, "etcd is ready on", etcdSocket)
	case <-member.Server.StopNotify():
		return errors.New("etcd stopped before it was ready")
	case <-stop:
		return nil
	}
	select {
	case <-member.Server.StopNotify():
		return errors.New("etcd stopped by itself")
	case err := <-member.Err():
		return err
	case <-stop:
		return nil
	}
}

func etcdConfig(level string) *embed.Config {
	socket := url.URL{Scheme: "unix", Host: etcdSocket}
	config := embed.NewConfig()
	config.Name = "entrance"
	config.Dir = etcdData
	config.ListenClientUrls = []url.URL{socket}
	config.AdvertiseClientUrls = []url.URL{socket}
	// A peer listener on a unix address would be an abstract socket, open to every local user. One member needs none.
	config.ListenPeerUrls = nil
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	config.LogLevel = level
	config.LogOutputs = []string{"stderr"}
	return config
}

// usage answers a flag error, which the flag package has already printed.
func usage(err error) int {
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	return 2
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "error:", err)
	return 1
}
