// Package websocket has a client under test, and a naive one.
package websocket

import "encoding/json"

type request struct {
	ID   string `json:"request_id"`
	Data string `json:"data"`
}

type answer struct {
	ID    string          `json:"request_id"`
	Data  json.RawMessage `json:"data"`
	Error *struct {
		Code string `json:"code"`
	} `json:"error"`
}
