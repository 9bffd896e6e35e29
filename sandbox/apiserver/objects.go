package apiserver

import (
	"fmt"
	"net/http"
	"time"
)

// apply is a server-side apply that takes over what others own.
func (a *Client) apply(object map[string]any) error {
	path, err := a.path(object)
	if err != nil {
		return err
	}
	_, err = a.do(http.MethodPatch, path+"?fieldManager="+fieldManager+"&force=true&fieldValidation=Strict", "application/apply-patch+yaml", object)
	return err
}

// Get reads an object as it is.
func (a *Client) Get(object map[string]any) (map[string]any, error) {
	path, err := a.path(object)
	if err != nil {
		return nil, err
	}
	return a.do(http.MethodGet, path, "", nil)
}

// Remove deletes an object with what it owns, and waits until it is gone.
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

// Ready applies an object and waits until it does what it is for.
func (a *Client) Ready(object map[string]any) error {
	if err := a.apply(object); err != nil {
		return err
	}
	if annotation(object, "pulumi.com/skipAwait") == "true" {
		return nil
	}
	return await("ready", func() (string, error) {
		live, err := a.Get(object)
		if err != nil {
			return "", err
		}
		return unready(live), nil
	})
}

// patience is how long the sandbox waits for the cluster, which plays fast.
const patience = 90 * time.Second

// await looks until there is nothing left to wait for.
func await(what string, look func() (string, error)) error {
	deadline := time.Now().Add(patience)
	for {
		missing, err := look()
		if err != nil || missing == "" {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not %s after %s: %s", what, patience, missing)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

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

// Field is a text in an object; "" when it is not there.
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
