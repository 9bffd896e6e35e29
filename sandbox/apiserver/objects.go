package apiserver

import (
	"fmt"
	"net/http"
	"time"
)

// Apply creates or updates an object and waits until it is ready, at most 3 minutes. It
// does not wait for an object with the annotation pulumi.com/skipAwait. It returns the live
// object. It is a server-side apply that takes over fields of other owners and refuses
// unknown fields.
func (a *Client) Apply(object map[string]any) (map[string]any, error) {
	path, err := a.path(object)
	if err != nil {
		return nil, err
	}
	live, err := a.do(http.MethodPatch, path+"?fieldManager="+fieldManager+"&force=true&fieldValidation=Strict", "application/apply-patch+yaml", object)
	if err != nil || annotation(object, "pulumi.com/skipAwait") == "true" {
		return live, err
	}
	err = await("ready", func() (string, error) {
		live, err = a.Get(object)
		if err != nil {
			return "", err
		}
		return unready(live), jobFailure(live)
	})
	return live, err
}

// Get returns the live object with the apiVersion, kind, namespace and name of object.
func (a *Client) Get(object map[string]any) (map[string]any, error) {
	path, err := a.path(object)
	if err != nil {
		return nil, err
	}
	return a.do(http.MethodGet, path, "", nil)
}

// Remove deletes an object and the objects that it owns, and waits until it no longer
// exists, at most 3 minutes. A missing object is no error.
func (a *Client) Remove(object map[string]any) error {
	path, err := a.path(object)
	if err == nil {
		_, err = a.do(http.MethodDelete, path, "application/json", map[string]any{
			"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground",
		})
	}
	if IsMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return await("deleted", func() (string, error) {
		live, err := a.Get(object)
		if IsMissing(err) {
			return "", nil
		}
		return fmt.Sprintf("finalizers %v", dig(live, "metadata", "finalizers")), err
	})
}

// timeout is how long the client waits for an object. Fake nodes need seconds, and containers on a
// busy machine a minute or two.
const timeout = 3 * time.Minute

// await calls check every 100 ms until it returns "" or an error. goal and the last reason
// of check are in the error after timeout.
func await(goal string, check func() (reason string, err error)) error {
	deadline := time.Now().Add(timeout)
	for {
		reason, err := check()
		if err != nil || reason == "" {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not %s after %s: %s", goal, timeout, reason)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// dig returns the value at a path, nil if there is none.
func dig(object map[string]any, path ...string) any {
	var at any = object
	for _, key := range path {
		m, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = m[key]
	}
	return at
}

// Field returns the string at a path in an object; "" if it is missing or no string.
func Field(object map[string]any, path ...string) string {
	s, _ := dig(object, path...).(string)
	return s
}

func annotation(object map[string]any, name string) string {
	return Field(object, "metadata", "annotations", name)
}

func number(object map[string]any, path ...string) float64 {
	n, _ := dig(object, path...).(float64)
	return n
}
