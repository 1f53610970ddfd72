FROM python:3.11-slim AS environment

RUN (getent group 10001 || groupadd --gid 10001 mldeploy-10001) \
 && (getent passwd 10001 \
  || useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /bin/sh mldeploy-10001) \
 && install --directory --owner 10001 --group 10001 /var/azureml-app
ENV HOME=/tmp PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# The scoring server has an environment of its own, so that no pin of the script's can break it.
COPY front.txt /opt/mldeploy/front.txt
RUN --mount=type=cache,id=mldeploy-pip-7b88c7e10751,target=/root/.cache/pip --mount=type=secret,id=pip.conf-75f39c05d09d,required=true,target=/etc/pip.conf python3 -m venv /opt/mldeploy/front \
 && /opt/mldeploy/front/bin/pip install --cache-dir /root/.cache/pip --only-binary=:all: -r /opt/mldeploy/front.txt

# What the script imports.
RUN python3 -m venv --system-site-packages /opt/env

COPY requirements.txt /opt/env/requirements.txt
RUN --mount=type=cache,id=mldeploy-pip-7b88c7e10751,target=/root/.cache/pip --mount=type=secret,id=pip.conf-75f39c05d09d,required=true,target=/etc/pip.conf /opt/env/bin/pip install --cache-dir /root/.cache/pip -r /opt/env/requirements.txt

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
