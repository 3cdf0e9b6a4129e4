import type { Sample } from './sample.ts'

export const go: Sample = {
  id: 'go',
  title: 'Go',
  needs: 'Go 1.18 or newer',
  file: 'call.go',
  code: (tokenEndpoint) => `package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"time"
)

var client = &http.Client{Timeout: 10 * time.Second}

var kept struct {
	value string
	until time.Time
}

// token answers one that lives for a minute at least; it gets a new one only when there is none.
func token() (string, error) {
	if time.Now().Before(kept.until) {
		return kept.value, nil
	}
	response, err := client.PostForm("${tokenEndpoint}", url.Values{
		"grant_type":    {"client_credentials"},
		"client_id":     {os.Getenv("LATCHKEY_CLIENT_ID")},
		"client_secret": {os.Getenv("LATCHKEY_CLIENT_SECRET")},
	})
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var answer struct {
		AccessToken string \`json:"access_token"\`
		ExpiresIn   int    \`json:"expires_in"\`
		Error       string \`json:"error"\`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("no token: %s", answer.Error)
	}
	kept.value = answer.AccessToken
	kept.until = time.Now().Add(time.Duration(answer.ExpiresIn-60) * time.Second)
	return kept.value, nil
}

func main() {
	value, err := token()
	if err != nil {
		log.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodGet, os.Getenv("API_URL"), nil)
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+value)
	response, err := client.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		log.Fatalf("the API answered %s", response.Status)
	}
	io.Copy(os.Stdout, response.Body)
}
`,
}
