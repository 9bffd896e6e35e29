package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/genericcorp/platform/showcase/internal/accounts"
	"github.com/genericcorp/platform/showcase/internal/site"
)

// deviceCookie is in browsers in which somebody has signed in. Their wrong passwords are counted apart.
// Otherwise anybody who knows an owner's e-mail address could lock the owner out.
const deviceCookie = "__Host-device"

const deviceLife = 365 * 24 * time.Hour

// device returns the ID in the device cookie of a request. It is empty if the cookie is not for the account
// with the password hash. The hash is the key, so a new password makes all cookies void, and all
// replicas know it.
func device(r *http.Request, hash string) string {
	cookie, err := r.Cookie(deviceCookie)
	if err != nil || hash == "" {
		return ""
	}
	id, sum, _ := strings.Cut(cookie.Value, ".")
	if !hmac.Equal([]byte(sum), []byte(deviceSum(id, hash))) {
		return ""
	}
	return id
}

func deviceSum(id, hash string) string {
	m := hmac.New(sha256.New, []byte(hash))
	m.Write([]byte("device " + id))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// welcome sets the cookies of a member who has signed in. hash is the password's.
func welcome(w http.ResponseWriter, r *http.Request, email, token, hash string) {
	setCookie(w, sessionCookie, token, accounts.SessionLife)
	if !isPublic(site.Of(r), email) && device(r, hash) == "" {
		id := accounts.NewToken()
		setCookie(w, deviceCookie, id+"."+deviceSum(id, hash), deviceLife)
	}
}

// setCookie sets a cookie. A life below 0 deletes it.
func setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(life / time.Second), Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}
