{{- define "bench.fullname" -}}
{{- printf "%s-%s" .Release.Name .Values.benchmark.scenario | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "bench.labels" -}}
app.kubernetes.io/component: benchmark
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
benchmark.scenario: {{ .Values.benchmark.scenario }}
{{- end }}
