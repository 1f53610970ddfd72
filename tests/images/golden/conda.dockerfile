# The image of the service 'iris', by jupyter_mldeploy VERSION.

FROM mambaorg/micromamba:2 AS environment
USER root

RUN apt-get update \
 && apt-get install --yes --no-install-recommends libgomp1 \
 && rm -rf /var/lib/apt/lists/*

RUN (getent group 10001 || groupadd --gid 10001 mldeploy-10001) \
 && (getent passwd 10001 \
  || useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /bin/sh mldeploy-10001) \
 && install --directory --owner 10001 --group 10001 /var/azureml-app
ENV HOME=/tmp PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# The scoring server has an environment of its own, so that no pin of the script's can break it.
COPY front.txt /opt/mldeploy/front.txt
RUN micromamba create --yes --prefix /opt/mldeploy/front --channel conda-forge python=3.11 pip \
 && /opt/mldeploy/front/bin/python -m pip install --no-cache-dir --only-binary=:all: -r /opt/mldeploy/front.txt \
 && micromamba clean --all --yes

# What the script imports.
COPY environment.yml requirements.txt /opt/mldeploy/
RUN micromamba create --yes --prefix /opt/env --file /opt/mldeploy/environment.yml \
 && micromamba clean --all --yes

ENV VIRTUAL_ENV=/opt/env PATH="/opt/env/bin:${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"

# The scoring server. Scripts may import the v1 names from any Python of this image.
COPY runtime/ /opt/mldeploy/lib/
RUN /opt/mldeploy/front/bin/python -m compileall -q /opt/mldeploy/lib \
 && packages=$(/opt/env/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
 && cp /opt/mldeploy/lib/mldeploy_v1_names.* "$packages/"

ENV AML_APP_ROOT=/var/azureml-app
WORKDIR /var/azureml-app
USER 10001:10001
EXPOSE 5001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["/opt/mldeploy/front/bin/python", "-I", "/opt/mldeploy/lib/health.py"]
ENTRYPOINT []
CMD ["/opt/mldeploy/front/bin/python", "-I", "/opt/mldeploy/lib/launch.py"]

FROM environment AS models

# clf:2
COPY models/ /var/azureml-models/

FROM models

COPY --chown=10001:10001 app/ /var/azureml-app/

ENV AZUREML_ENTRY_SCRIPT="score.py" \
    AZUREML_MODEL_DIR="azureml-models/clf/2"

LABEL org.opencontainers.image.title="iris" \
      org.opencontainers.image.description="The scoring service iris" \
      org.opencontainers.image.base.name="python:3.11-slim" \
      mldeploy.service="iris" \
      mldeploy.script="cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd" \
      mldeploy.entry-script="score.py" \
      mldeploy.models="clf:2" \
      mldeploy.environment="2ec5162fa2c99588deaee7696835bd83cacfc8f86495b0b428478814f6521f13" \
      mldeploy.version="VERSION"
