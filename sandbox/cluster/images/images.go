// Package images makes the container images of the sandbox: each has a program that was built
// on this machine, or a stand-in, under the name of the image that a Pod asks for. No image is
// pulled.
package images

import (
	"archive/tar"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/compression"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// user is the user of a container whose Pod names none. It must be a number, so that the kubelet
// knows that it is not root.
const user = "65532"

// Image is an image of one layer.
type Image struct {
	// Name is the last element of the repository, such as "traefik" for
	// docker.io/library/traefik:v3.7.11.
	Name string
	// Files are paths on this machine, by their paths in the image. A folder is added with
	// its content. All files can be read and executed by everybody.
	Files map[string]string
	// Texts are files with their content.
	Texts map[string]string
	// Entrypoint and Env are those of the image. Its user is User, or 65532 if that is empty.
	Entrypoint, Env []string
	User            string
	// Volume is a folder for which the engine makes a volume if a container has none there.
	Volume string
	// LowPorts is a program in Files with the file capability for ports below 1024.
	LowPorts string
}

// Local returns the name under which a node has an image of this package.
func Local(name string) string { return "docker.io/sandbox/" + name + ":1" }

// Base returns the Image.Name for the name of an image in a Pod.
func Base(reference string) string {
	reference, _, _ = strings.Cut(reference, "@")
	last := path.Base(reference)
	last, _, _ = strings.Cut(last, ":")
	return last
}

// Write writes images to a folder, as files of `docker save`.
func Write(folder string, images []Image) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, image := range images {
		if err := image.write(filepath.Join(folder, image.Name+".tar")); err != nil {
			return fmt.Errorf("image %s: %w", image.Name, err)
		}
	}
	return nil
}

func (i Image) write(target string) error {
	layer, err := i.layer()
	if err != nil {
		return err
	}
	built, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return err
	}
	config, err := built.ConfigFile()
	if err != nil {
		return err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", architecture
	config.Config = v1.Config{Entrypoint: i.Entrypoint, Env: i.Env, User: cmp.Or(i.User, user)}
	if i.Volume != "" {
		config.Config.Volumes = map[string]struct{}{i.Volume: {}}
	}
	if built, err = mutate.ConfigFile(built, config); err != nil {
		return err
	}
	tag, err := name.NewTag(Local(i.Name))
	if err != nil {
		return err
	}
	draft := target + ".part"
	if err := tarball.WriteToFile(draft, tag, built); err != nil {
		return err
	}
	return os.Rename(draft, target)
}

// layer returns the image's files as a layer. It is not compressed: it does not leave this
// machine.
func (i Image) layer() (v1.Layer, error) {
	var data bytes.Buffer
	out := tar.NewWriter(&data)
	for _, target := range slices.Sorted(maps.Keys(i.Files)) {
		var capability map[string]string
		if target == i.LowPorts {
			capability = map[string]string{"SCHILY.xattr.security.capability": netBindService}
		}
		if err := addTree(out, strings.TrimPrefix(target, "/"), i.Files[target], capability); err != nil {
			return nil, err
		}
	}
	for _, target := range slices.Sorted(maps.Keys(i.Texts)) {
		if err := addFile(out, strings.TrimPrefix(target, "/"), []byte(i.Texts[target]), nil); err != nil {
			return nil, err
		}
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithCompression(compression.None))
}

// netBindService is what "setcap cap_net_bind_service=+ep" stores: the version 2 with the effective
// flag, the permitted capability number 10, and nothing inheritable. All numbers are little-endian.
const netBindService = "\x01\x00\x00\x02" + "\x00\x04\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"

// addTree adds a file, or the files in a folder without its folders. records are extended attributes.
func addTree(out *tar.Writer, target, source string, records map[string]string) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		data, err := os.ReadFile(source)
		if err != nil {
			return err
		}
		return addFile(out, target, data, records)
	}
	entries, err := os.ReadDir(source)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := addTree(out, path.Join(target, entry.Name()), filepath.Join(source, entry.Name()), records); err != nil {
			return err
		}
	}
	return nil
}

func addFile(out *tar.Writer, target string, data []byte, records map[string]string) error {
	if err := out.WriteHeader(&tar.Header{Name: target, Mode: 0o755, Size: int64(len(data)), PAXRecords: records}); err != nil {
		return err
	}
	_, err := out.Write(data)
	return err
}

// Stored returns the name under which containerd looks for an image in a Pod. Of a tag and a
// digest it uses the digest. Docker Hub's official images are in its folder "library".
func Stored(reference string) string {
	named, digest, hasDigest := strings.Cut(reference, "@")
	ref, err := name.ParseReference(named)
	if err != nil {
		return reference
	}
	repository := strings.Replace(ref.Context().Name(), "index.docker.io/", "docker.io/", 1)
	if hasDigest {
		return repository + "@" + digest
	}
	return repository + ":" + ref.Identifier()
}
