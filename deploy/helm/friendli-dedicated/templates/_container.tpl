{{- /* A container's variables. Its flags have the same names: `friendli serve --help`. Arguments: (list $ CONTAINER) */}}
{{- define "friendli.containerEnv" -}}
{{- $container := last . -}}
{{- $given := dict
      "HOST" "0.0.0.0"
      "PORT" 8000
      "METRICS_PORT" 8281
      "LOG_FORMAT" "json"
      "MODEL" $container.model
      "ADAPTER" (join "," $container.adapters)
      "DRAIN_SECONDS" $container.drainSeconds -}}
{{- range $name, $value := $container.settings }}{{ $_ := set $given (upper $name) $value }}{{ end -}}
{{- range $name, $value := $given }}
- name: FRIENDLI_{{ $name }}
  value: {{ kindIs "string" $value | ternary $value (kindIs "slice" $value | ternary (join "," $value) (toJson $value)) | quote }}
{{- end }}
{{- include "friendli.variables" (first .).Values.weights.env }}
{{- end }}
